import type { ChatId, Client, Message } from '@sotto/sdk';

/** What a `Reader` works with. */
export interface ReaderParts {
  readonly client: () => Client;
  /** Does something again until nothing stands in its way. */
  readonly whilePossible: (act: () => Promise<void>) => Promise<void>;
  /** Told of what can't be mended. */
  readonly onFailure: (error: unknown) => void;
}

/** Accepts chats, and marks what comes as read. */
export class Reader {
  readonly #parts: ReaderParts;
  readonly #accepted = new Set<ChatId>();
  readonly #toRead = new Map<ChatId, Message>();
  #reading: Promise<void> | undefined;

  constructor(parts: ReaderParts) {
    this.#parts = parts;
  }

  /** Everything, in all chats. */
  async readEvery(): Promise<void> {
    await this.#parts.whilePossible(async () => {
      for (let after: number | undefined, isLast = false; !isLast; ) {
        const { chats, next } = await this.#parts.client().chats.list(after === undefined ? {} : { after });
        for (const { chat, accepted, unread, lastMessage } of chats) {
          if (!accepted) await chat.accept();
          if (unread > 0 && lastMessage !== undefined) await chat.markRead(lastMessage);
        }
        after = next;
        isLast = next === undefined;
      }
    });
  }

  /** A chat up to a message, soon. */
  read(message: Message): void {
    this.#toRead.set(message.chatId, message);
    this.#reading ??= this.#readOn().finally(() => {
      this.#reading = undefined;
    });
    this.#reading.catch(this.#parts.onFailure);
  }

  async #readOn(): Promise<void> {
    const { client, whilePossible } = this.#parts;
    for (const [chatId, message] of this.#toRead) {
      this.#toRead.delete(chatId);
      await whilePossible(async () => {
        const { groupId, senderId } = message;
        const chat = groupId ? await client().groups.get(groupId) : await client().chats.get(senderId);
        if (chat === undefined) return;
        if (!this.#accepted.has(chatId)) await chat.accept();
        this.#accepted.add(chatId);
        await chat.markRead(message);
      });
    }
  }
}
