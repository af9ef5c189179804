import { join } from 'node:path';
import { Client, SottoError } from '@sotto/sdk';
import { betterSqlite3 } from '@sotto/storage-adapters/better-sqlite3';
import { App } from './app.ts';
import { CommandError } from './commands/command-line.ts';
import { DataFolderError, makeFolder } from './data-folder.ts';
import { type ChatOptions, readOptions, usage } from './options.ts';
import { InputEndedError } from './plain/input-ended-error.ts';
import { plainChat } from './plain/plain-chat.ts';
import { PlainLines } from './plain/plain-lines.ts';
import { asciiGlyphs, lookOf } from './screen/look.ts';
import { errorText } from './session/error-text.ts';
import { Notebook } from './session/notebook.ts';
import { endText } from './text/end-text.ts';

const options = readOptions(process.argv.slice(2));
if (options === 'help') {
  process.stdout.write(usage);
} else if ('wrong' in options) {
  process.stderr.write(`chat: ${options.wrong}\n${usage}`);
  process.exitCode = 2;
} else {
  try {
    makeFolder(options.data);
    const notebook = new Notebook(options.data);
    const { relay, receipts, typing } = options;
    const client = await Client.open({ relay, receipts, typing, store: betterSqlite3(join(options.data, 'chat.db')) });
    if (client.endReason === 'device-revoked' && options.linkAs === undefined) {
      await client.stop();
      // To ask for a number here would lead into a registration, which ends the sessions of all other devices.
      process.stderr.write(`chat: ${endText(client.endReason)}; another --data FOLDER makes another account\n`);
      process.exitCode = 1;
    } else if (options.plain && options.to !== undefined && client.account === undefined && !process.stdin.isTTY) {
      await client.stop();
      // The lines are a letter, not answers: no number, name or recovery key is to be made of them.
      const why = client.endReason === undefined ? 'no account here yet' : 'no account here any more';
      process.stderr.write(`chat: ${why}: start once without --to and without <, and register\n`);
      process.exitCode = 2;
    } else if (options.plain) {
      await runPlain(client, options);
    } else if (process.stdin.isTTY && process.stdout.isTTY) {
      const look = lookOf(process.env);
      const shown = options.ascii ? { ...look, glyphs: asciiGlyphs } : look;
      await new App(client, notebook, shown, options.linkAs).run();
    } else {
      await client.stop();
      process.stderr.write('chat: this is not a terminal: use --plain\n');
      process.exitCode = 2;
    }
  } catch (error) {
    const isKnown =
      error instanceof SottoError ||
      error instanceof InputEndedError ||
      error instanceof CommandError ||
      error instanceof DataFolderError ||
      (error instanceof Error && 'syscall' in error);
    // Where a defect is, its stack says.
    const text = error instanceof Error && !isKnown ? (error.stack ?? error.message) : errorText(error);
    process.stderr.write(`chat: ${text}\n`);
    process.exitCode = 1;
  }
}

/** Lines in and out, until the input ends or a signal comes. What was not sent then leaves the next time. */
async function runPlain(client: Client, { to, linkAs }: ChatOptions): Promise<void> {
  const lines = new PlainLines(process.stdin, process.stdout, process.stderr);
  const ending = new AbortController();
  const end = () => {
    ending.abort();
    lines.close();
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, end);
  try {
    if (!(await plainChat(client, lines, { to, linkAs, signal: ending.signal }))) process.exitCode = 1;
  } catch (error) {
    if (!ending.signal.aborted) throw error;
  } finally {
    lines.close();
    await client.stop();
  }
}
