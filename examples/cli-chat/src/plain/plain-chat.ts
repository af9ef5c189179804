import { type Chat, type Client, type GroupChat, SottoError } from '@sotto/sdk';
import { runCommand } from '../commands/commands.ts';
import { chatCalled } from '../commands/group-commands.ts';
import { errorText } from '../session/error-text.ts';
import { Arrivals } from './arrivals.ts';
import { ConnectionWatch } from './connection-watch.ts';
import type { PlainLines } from './plain-lines.ts';
import { qrLines } from './qr-lines.ts';
import { registerByLines } from './register-by-lines.ts';

/** How to chat by lines. */
export interface PlainOptions {
  /** Whom the lines go to, a number or the title of a group; without it they are refused. */
  readonly to: string | undefined;
  /** The name under which this becomes another device of an account; otherwise one is made. */
  readonly linkAs: string | undefined;
  /** Ends the wait for the relay; what was not sent leaves the next time. */
  readonly signal: AbortSignal;
}

/**
 * The chat as lines, for pipes and for screen readers: what is read is sent to one chat, what comes from anybody is printed; a line with a colon in front is a command.
 *
 * First it prints what came while it was away, and only then takes a line: commands see the chats and groups as they are now. Without a connection it takes lines at once. Ends when there is nothing more to read, once all that was sent is with the relay and all that waited there is printed. What comes after that is printed at the next start.
 * @returns whether everything that was read was sent, and the relay was there to ask for what came
 */
export async function plainChat(
  client: Client,
  lines: PlainLines,
  { to, linkAs, signal }: PlainOptions,
): Promise<boolean> {
  await registerByLines(client, lines, signal, linkAs);
  const arrivals = new Arrivals(client, lines);
  try {
    using connection = new ConnectionWatch(client, (text) => lines.warn(text));
    // What is read is said to chats and groups as they are: what came meanwhile is there, and printed, before.
    if (await connection.caughtUp(signal)) await arrivals.quiet(signal);
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
  let chat: Chat | GroupChat | undefined = to === undefined ? undefined : await chatCalled(client, to);
  let all = true;
  for (let line = await lines.next(); line !== undefined; line = await lines.next()) {
    if (line.trim() === '') continue;
    // A colon in front is a command, two are one that is sent.
    const isCommand = line.startsWith(':') && !line.startsWith('::');
    try {
      if (isCommand) chat = await command(client, chat, line, lines);
      else await sendLine(chat, line.replace(/^::/, ':'));
    } catch (error) {
      if (error instanceof SottoError && error.code === 'client-stopped') throw error;
      lines.warn(`${errorText(error)}${isKey(error) ? ' (in the chat without --plain)' : ''}`);
      all = false;
    }
  }
  return all;
}

/** Does a command, and says what it says; gives the chat that is open then. */
async function command(
  client: Client,
  chat: Chat | GroupChat | undefined,
  line: string,
  lines: PlainLines,
): Promise<Chat | GroupChat | undefined> {
  const output = await runCommand({ client, chat }, line);
  for (const text of output.lines) lines.warn(text);
  if (output.qr !== undefined) for (const row of qrLines(output.qr)) lines.warn(row);
  return output.open ?? chat;
}

async function sendLine(chat: Chat | GroupChat | undefined, line: string): Promise<void> {
  if (chat === undefined) throw new Error('not sent: start with --to NUMBER to say to whom, or say :open');
  await chat.send(line);
}

function isKey(error: unknown): boolean {
  return error instanceof SottoError && error.code === 'identity-changed';
}
