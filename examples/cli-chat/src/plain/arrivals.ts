import { setTimeout as wait } from 'node:timers/promises';
import type { Client, Message } from '@sotto/sdk';
import { cleanLine, cleanText } from '../text/clean-text.ts';
import type { PlainLines } from './plain-lines.ts';

/** Where the messages that were printed are remembered, over restarts. */
const cursor = 'plain';
/** What a mailbox held is printed when nothing more came for this long. */
const quietMs = 400;

/** Prints what comes, from where it was when it last ended. */
export class Arrivals {
  private readonly client: Client;
  private readonly lines: PlainLines;
  private readonly ending = new AbortController();
  private readonly printing: Promise<void>;
  private seen = 0;

  constructor(client: Client, lines: PlainLines) {
    this.client = client;
    this.lines = lines;
    this.printing = this.print();
    // Whoever ends it is told.
    this.printing.catch(() => this.ending.abort());
  }

  /** Resolves when nothing has come for a moment. */
  async quiet(signal: AbortSignal): Promise<void> {
    const ended = AbortSignal.any([signal, this.ending.signal]);
    for (let seen = -1; seen !== this.seen && !ended.aborted; ) {
      seen = this.seen;
      await wait(quietMs, undefined, { signal: ended }).catch((error: unknown) => {
        if (!ended.aborted) throw error;
      });
    }
  }

  /** Prints no more. @throws why it could not go on printing */
  async end(): Promise<void> {
    this.ending.abort();
    await this.printing;
  }

  private async print(): Promise<void> {
    const { client, lines } = this;
    const { signal } = this.ending;
    try {
      for await (const event of client.events({ cursor, signal })) {
        this.seen++;
        if (event.type === 'message.received') await printMessage(client, event.message, lines);
        else if (event.type === 'message.failed')
          lines.warn(`not sent (${event.code}): ${cleanLine(event.message.text)}`);
        else if (event.type === 'identity.changed') lines.warn('somebody has a new key: open the chat without --plain');
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }
}

async function printMessage(client: Client, message: Message, lines: PlainLines): Promise<void> {
  const chat = await client.chats.get(message.senderId);
  const name = await nameOf(client, message);
  const text = message.kind === 'unknown' ? '(something that this version cannot show yet)' : cleanText(message.text);
  lines.print(`${name}: ${text.trimEnd().replace(/\n/g, '\n  ')}`);
  await chat?.markRead(message);
}

async function nameOf(client: Client, { chatId }: Message): Promise<string> {
  let after: number | undefined;
  do {
    const page = await client.chats.list(after === undefined ? {} : { after });
    const found = page.chats.find(({ chat }) => chat.id === chatId);
    if (found) return cleanLine(found.username) || found.number || 'somebody';
    after = page.next;
  } while (after !== undefined);
  return 'somebody';
}
