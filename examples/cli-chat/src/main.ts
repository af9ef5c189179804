import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Client, SottoError } from '@sotto/sdk';
import { betterSqlite3 } from '@sotto/storage-adapters/better-sqlite3';
import { App } from './app.ts';
import { readOptions, usage } from './options.ts';
import { asciiGlyphs, lookOf } from './screen/look.ts';
import { Notebook } from './session/notebook.ts';

const options = readOptions(process.argv.slice(2));
if (options === 'help') {
  process.stdout.write(usage);
} else if ('wrong' in options) {
  process.stderr.write(`chat: ${options.wrong}\n${usage}`);
  process.exitCode = 2;
} else {
  try {
    mkdirSync(options.data, { recursive: true, mode: 0o700 });
    const notebook = new Notebook(options.data);
    const { relay, receipts, typing } = options;
    const client = await Client.open({ relay, receipts, typing, store: betterSqlite3(join(options.data, 'chat.db')) });
    const look = lookOf(process.env);
    await new App(client, notebook, options.ascii ? { ...look, glyphs: asciiGlyphs } : look).run();
  } catch (error) {
    const known = error instanceof SottoError || (error instanceof Error && 'syscall' in error);
    process.stderr.write(
      `chat: ${known ? error.message : error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`,
    );
    process.exitCode = 1;
  }
}
