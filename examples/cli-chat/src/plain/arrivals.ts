import { setTimeout as wait } from 'node:timers/promises';
import type { Chat, Client, GroupChat, Message, SottoEvent } from '@sotto/sdk';
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
        else await warnOf(client, event, lines);
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }
}

async function warnOf(client: Client, event: SottoEvent, lines: PlainLines): Promise<void> {
  switch (event.type) {
    case 'message.failed':
      lines.warn(`not sent (${event.code}): ${cleanLine(event.message.text)}`);
      break;
    case 'identity.changed':
      lines.warn('somebody has a new key: open the chat without --plain');
      break;
    case 'group.changed': {
      const { userId } = client.account ?? {};
      const isIn = event.changes.some(
        (change) => change.type === 'added' && change.userIds.some((id) => id === userId),
      );
      const group = isIn ? await client.groups.get(event.groupId) : undefined;
      if (group) lines.warn(`you were brought into ${cleanLine((await group.info()).title)}`);
      break;
    }
    case 'device.linked':
    case 'device.removed':
      lines.warn(`your device ${cleanLine(event.name)} was ${event.type === 'device.linked' ? 'let in' : 'taken out'}`);
      break;
    default:
      break;
  }
}

async function printMessage(client: Client, message: Message, lines: PlainLines): Promise<void> {
  const chat = await client.chats.get(message.chatId);
  const name = await nameOf(client, message, chat);
  const text = message.kind === 'unknown' ? '(something that this version cannot show yet)' : cleanText(message.text);
  lines.print(`${name}: ${text.trimEnd().replace(/\n/g, '\n  ')}`);
  await chat?.markRead(message);
}

async function nameOf(client: Client, { senderId }: Message, chat: Chat | GroupChat | undefined): Promise<string> {
  const author = await client.people.get(senderId);
  const name = cleanLine(author?.username ?? '');
  const called = name || author?.number || 'somebody';
  return chat?.type === 'group' ? `${cleanLine((await chat.info()).title)}, ${called}` : called;
}
