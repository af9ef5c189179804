import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { loadConfig, openEmbeddedRelay } from '@sotto/relay-server';
import { Client, memoryStore } from '@sotto/sdk';
import { betterSqlite3 } from '@sotto/storage-adapters/better-sqlite3';
import { afterAll, beforeAll, expect, it } from 'vitest';

const folder = mkdtempSync(join(tmpdir(), 'sotto-echo-bot-'));
let relay: Awaited<ReturnType<typeof openEmbeddedRelay>>;
let url = '';
let lastCode = '';

/** Runs the bot without anybody to answer it. */
async function run(...flags: readonly string[]) {
  const program = join(import.meta.dirname, 'main.ts');
  const args = ['--conditions=sotto-source', program, '--phone', '+14155550103', ...flags];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  const [said, [code]] = await Promise.all([text(child.stderr), once(child, 'close')]);
  return { said, code };
}

beforeAll(async () => {
  const config = loadConfig({
    file: {
      path: 'relay.json',
      text: JSON.stringify({ data: join(folder, 'relay'), port: 0, codes: { resendAfterMs: 0 } }),
    },
  });
  relay = await openEmbeddedRelay({
    config,
    codeSender: {
      send: async ({ code }) => {
        lastCode = code;
      },
    },
  });
  url = (await relay.start()).url;
});

afterAll(async () => {
  await relay.stop();
  rmSync(folder, { recursive: true });
});

it('says what was asked when its input ends before the code', async () => {
  expect(await run('--relay', url, '--data', join(folder, 'bot'))).toEqual({
    said: 'echo-bot: the input ended before an answer to: Code; start again with --code\n',
    code: 1,
  });
});

it('registers nothing anew where the session of the bot has ended, and says why it did', async () => {
  const data = join(folder, 'ended');
  mkdirSync(data);
  const register = (client: Client) =>
    client.register({ phone: '+14155550103', profile: { username: 'Echo' }, code: async () => lastCode });
  {
    await using bot = await Client.open({ relay: url, store: betterSqlite3(join(data, 'echo-bot.db')) });
    await register(bot);
    const ended = new Promise<void>((resolve) => {
      bot.on('connection.changed', ({ state }) => state === 'ended' && resolve());
    });
    await using next = await Client.open({ relay: url, store: memoryStore() });
    await register(next);
    await ended;
  }
  expect(await run('--relay', url, '--data', data)).toEqual({
    said: 'echo-bot: the session of this bot has ended (account-replaced): docs/errors.md says what to do; another --data folder makes another bot\n',
    code: 1,
  });
});

it('names a data folder that can not be one', async () => {
  const { said, code } = await run('--relay', url, '--data', import.meta.filename);
  expect(said).toMatch(/^echo-bot: \S+ is no folder: name a folder by --data\n$/);
  expect(code).toBe(1);
});
