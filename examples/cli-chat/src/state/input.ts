import type { ChatId, ConnectionState, Message, UserId } from '@sotto/sdk';
import type { KeyState, ListedChat, Notice, Output, Safety, Size } from './app-state.ts';
import type { Key } from './key.ts';

/** What the state changes by: the user, the terminal, and news from the client. */
export type Input =
  | { readonly type: 'key'; readonly key: Key }
  | { readonly type: 'paste'; readonly text: string }
  | { readonly type: 'resize'; readonly size: Size }
  | { readonly type: 'tick' }
  | News;

/** What the client, the store or the notebook tells. */
export type News =
  | {
      readonly type: 'registration.needed';
      readonly phone: string;
      readonly name: string;
      readonly recovers: boolean;
    }
  | { readonly type: 'code.wanted'; readonly attemptsLeft: number | undefined }
  | { readonly type: 'pin.wanted'; readonly attemptsLeft: number | undefined }
  | { readonly type: 'registration.failed'; readonly notice: Notice }
  | { readonly type: 'recovery-key.made'; readonly key: string }
  | { readonly type: 'account.known'; readonly name: string; readonly number: string }
  | { readonly type: 'drafts.known'; readonly drafts: Readonly<Record<string, string>> }
  | { readonly type: 'chats.listed'; readonly chats: readonly ListedChat[] }
  | { readonly type: 'names.known'; readonly names: Readonly<Record<string, string>> }
  /** What a command has said; `open`: the chat that it opens. */
  | { readonly type: 'command.done'; readonly output: Output; readonly open: ChatId | undefined }
  | { readonly type: 'command.refused'; readonly notice: Notice }
  | { readonly type: 'chat.found'; readonly chatId: ChatId; readonly userId: UserId }
  | { readonly type: 'chat.not-found'; readonly notice: Notice }
  | {
      readonly type: 'history.loaded';
      readonly chatId: ChatId;
      readonly messages: readonly Message[];
      /** Nothing older is in the store. */
      readonly complete: boolean;
      readonly unread: number;
    }
  | { readonly type: 'message.known'; readonly message: Message }
  | { readonly type: 'send.refused'; readonly chatId: ChatId; readonly text: string; readonly notice: Notice }
  | { readonly type: 'typing.changed'; readonly chatId: ChatId; readonly typing: boolean }
  | { readonly type: 'connection.changed'; readonly state: ConnectionState }
  | { readonly type: 'key.known'; readonly chatId: ChatId; readonly key: KeyState }
  | { readonly type: 'safety.known'; readonly chatId: ChatId; readonly safety: Safety }
  | { readonly type: 'noticed'; readonly notice: Notice };

/** What the state asks for. */
export type Effect =
  | {
      readonly type: 'register';
      readonly phone: string;
      readonly name: string;
      readonly recoveryKey: string | undefined;
    }
  | { readonly type: 'give-code'; readonly code: string }
  | { readonly type: 'answer-link'; readonly isOwn: boolean }
  | { readonly type: 'give-pin'; readonly pin: string }
  | { readonly type: 'resend-code' }
  | { readonly type: 'recovery-key.seen' }
  | { readonly type: 'show-recovery-key' }
  | { readonly type: 'find-chat'; readonly phone: string }
  /** With `before` a page of older messages, else the latest. */
  | { readonly type: 'load-history'; readonly chatId: ChatId; readonly before: string | undefined }
  | { readonly type: 'send'; readonly chatId: ChatId; readonly text: string }
  | { readonly type: 'mark-read'; readonly message: Message }
  | { readonly type: 'accept-chat'; readonly chatId: ChatId }
  | { readonly type: 'look-at-key'; readonly chatId: ChatId }
  | { readonly type: 'accept-key'; readonly chatId: ChatId }
  | { readonly type: 'show-safety'; readonly chatId: ChatId }
  | { readonly type: 'set-verified'; readonly chatId: ChatId; readonly verified: boolean }
  | { readonly type: 'keep-draft'; readonly chatId: ChatId; readonly text: string }
  | { readonly type: 'tell-typing'; readonly chatId: ChatId; readonly typing: boolean }
  | { readonly type: 'command'; readonly line: string; readonly chatId: ChatId | undefined }
  | { readonly type: 'reconnect' }
  | { readonly type: 'repaint' }
  | { readonly type: 'suspend' }
  | { readonly type: 'quit' };

/** A new state, and what is to be done. */
export interface Step<State> {
  readonly state: State;
  readonly effects: readonly Effect[];
}

/** A step that asks for nothing, or for what is given. */
export function step<State>(state: State, ...effects: readonly Effect[]): Step<State> {
  return { state, effects };
}
