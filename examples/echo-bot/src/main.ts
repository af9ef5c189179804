import { join, resolve } from 'node:path';
import { Bot } from '@sotto/sdk/bot';
import { betterSqlite3 } from '@sotto/storage-adapters/better-sqlite3';
import { ask } from './ask.ts';
import { announceConnection } from './connection-lines.ts';
import { makeFolder } from './data-folder.ts';
import { echo } from './echo.ts';
import { errorText } from './error-text.ts';
import { type EchoOptions, readOptions, usage } from './options.ts';

const afterEnd = 'docs/errors.md says what to do; another --data folder makes another bot';
const options = readOptions(process.argv.slice(2));
if (options === 'help') {
  process.stdout.write(usage);
} else if ('wrong' in options) {
  process.stderr.write(`echo-bot: ${options.wrong}\n${usage}`);
  process.exitCode = 2;
} else {
  await run(options).catch((error: unknown) => {
    process.stderr.write(`echo-bot: ${errorText(error)}\n`);
    process.exitCode = 1;
  });
}

/** Registers if need be, then answers until Ctrl-C. */
async function run({ relay, data, phone, code }: EchoOptions): Promise<void> {
  makeFolder(data);
  await using bot = await Bot.open({ relay, store: betterSqlite3(join(resolve(data), 'echo-bot.db')) });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void bot.stop());
  const { endReason } = bot.client;
  // To register a device that was taken out of its account would end the sessions of all others.
  if (endReason !== undefined) throw new Error(`the session of this bot has ended (${endReason}): ${afterEnd}`);
  if (bot.client.account === undefined) {
    const profile = { username: 'Echo' };
    const { recoveryKey } = await bot.client.register({
      phone,
      profile,
      code: async () => code ?? (await ask('Code', 'start again with --code')),
    });
    process.stdout.write(`echo-bot: registered. Keep this recovery key: ${recoveryKey}\n`);
  }
  const running = echo(bot, () => new Date()).start();
  announceConnection(bot.client, process.stdout, process.stderr);
  await running;
}
