import { type Chat, type Client, type Message, SottoError } from '@sotto/sdk';
import { errorText } from '../session/error-text.ts';
import { cleanLine, cleanText } from '../text/clean-text.ts';
import type { PlainLines } from './plain-lines.ts';
import { registerByLines } from './register-by-lines.ts';

/** Where the messages that were printed are remembered, over restarts. */
const cursor = 'plain';

/** How to chat by lines. */
export interface PlainOptions {
  /** Whom the lines go to; without it they are refused. */
  readonly to: string | undefined;
  /** Ends the wait for the relay; what was not sent leaves the next time. */
  readonly signal: AbortSignal;
}

/**
 * The chat as lines, for pipes and for screen readers: what is read is sent to one number, what comes from anybody is printed.
 *
 * Ends when there is nothing more to read, once all that was sent is with the relay. What comes after that is printed at the next start.
 * @returns whether everything that was read was sent
 */
export async function plainChat(client: Client, lines: PlainLines, { to, signal }: PlainOptions): Promise<boolean> {
  await registerByLines(client, lines, signal);
  const ended = new AbortController();
  const printing = printArrivals(client, lines, ended.signal);
  try {
    const sent = await sendLines(client, lines, to);
    await client.flush({ signal });
    return sent;
  } finally {
    ended.abort();
    await printing;
  }
}

async function sendLines(client: Client, lines: PlainLines, to: string | undefined): Promise<boolean> {
  const chat = to === undefined ? undefined : await client.chats.with(to);
  let all = true;
  for (let line = await lines.next(); line !== undefined; line = await lines.next()) {
    if (line.trim() !== '') all = (await sendLine(chat, line, lines)) && all;
  }
  return all;
}

async function sendLine(chat: Chat | undefined, line: string, lines: PlainLines): Promise<boolean> {
  try {
    if (chat === undefined) throw new Error('not sent: start with --to NUMBER to say to whom');
    await chat.send(line);
    return true;
  } catch (error) {
    if (error instanceof SottoError && error.code === 'client-stopped') throw error;
    lines.warn(`${errorText(error)}${isKey(error) ? ' (in the chat without --plain)' : ''}`);
    return false;
  }
}

function isKey(error: unknown): boolean {
  return error instanceof SottoError && error.code === 'identity-changed';
}

async function printArrivals(client: Client, lines: PlainLines, signal: AbortSignal): Promise<void> {
  try {
    for await (const event of client.events({ cursor, signal })) {
      if (event.type === 'message.received') await printMessage(client, event.message, lines);
      else if (event.type === 'message.failed')
        lines.warn(`not sent (${event.code}): ${cleanLine(event.message.text)}`);
      else if (event.type === 'identity.changed') lines.warn('somebody has a new key: open the chat without --plain');
    }
  } catch (error) {
    if (!signal.aborted) throw error;
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
