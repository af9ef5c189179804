import { type Chat, type Client, SottoError } from '@sotto/sdk';
import { errorText } from '../session/error-text.ts';
import { Arrivals } from './arrivals.ts';
import { ConnectionWatch } from './connection-watch.ts';
import type { PlainLines } from './plain-lines.ts';
import { registerByLines } from './register-by-lines.ts';

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
 * Ends when there is nothing more to read, once all that was sent is with the relay and all that waited there is printed. What comes after that is printed at the next start.
 * @returns whether everything that was read was sent, and the relay was there to ask for what came
 */
export async function plainChat(client: Client, lines: PlainLines, { to, signal }: PlainOptions): Promise<boolean> {
  await registerByLines(client, lines, signal);
  const arrivals = new Arrivals(client, lines);
  try {
    using connection = new ConnectionWatch(client, (text) => lines.warn(text));
    const sent = await sendLines(client, lines, to);
    await client.flush({ signal });
    const asked = await connection.caughtUp(signal);
    await arrivals.quiet(signal);
    return sent && asked;
  } finally {
    await arrivals.end();
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
