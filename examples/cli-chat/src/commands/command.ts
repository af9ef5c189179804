import type { Chat, Client, GroupChat } from '@sotto/sdk';

/** What a command says. Clean text. */
export interface CommandOutput {
  readonly title: string;
  readonly lines: readonly string[];
  /** To be shown as a QR code, too. */
  readonly qr?: string;
  /** The chat that is to be open now. */
  readonly open?: Chat | GroupChat;
}

/** What a command works on. */
export interface CommandScene {
  readonly client: Client;
  /** The chat that is open, if one is. */
  readonly chat: Chat | GroupChat | undefined;
}

/** One command. */
export interface Command {
  readonly usage: string;
  readonly says: string;
  run(scene: CommandScene, words: readonly string[]): Promise<CommandOutput>;
}
