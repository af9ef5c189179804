import { spawn } from 'node:child_process';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { call, connect, open, refusedUpgrade, register } from './raw-client.ts';
import { rawSend } from './raw-stream.ts';
import { startRelay, storeKinds } from './test-relay.ts';

describe.each(storeKinds)('stop on %s stores', (stores) => {
  it('answers what it has, tells the clients and closes them with 1012', async () => {
    const gate = Promise.withResolvers<void>();
    const reached = Promise.withResolvers<void>();
    let isGated = false;
    await using relay = await startRelay({
      stores,
      wrapStores: (real) => ({
        ...real,
        mailbox: new Proxy(real.mailbox, {
          get(mailbox, name) {
            const value: unknown = Reflect.get(mailbox, name, mailbox);
            if (typeof value !== 'function') return value;
            if (name !== 'append' || !isGated) return value.bind(mailbox);
            return async (...args: unknown[]) => {
              reached.resolve();
              await gate.promise;
              return Reflect.apply(value, mailbox, args);
            };
          },
        }),
      }),
    });
    const alice = await register(relay, '+14155550101');
    const bob = await register(relay, '+14155550102');
    const from = await open(relay, alice);
    const idle = await connect(relay, { token: bob.token });
    isGated = true;
    from.send({ send: rawSend({ to: bob.keys }) });
    await reached.promise;
    const stopped = relay.relay.stop();
    expect(await from.next('drain')).toMatchObject({ retryAfterMs: 1_000 });
    expect((await call(relay, 'GET', '/healthz')).status).toBe(200);
    expect((await call(relay, 'GET', '/readyz')).status).toBe(503);
    expect(await refusedUpgrade(relay, { authorization: `Bearer ${bob.token}` })).toMatchObject({
      status: 503,
      code: 'draining',
      retryable: true,
    });
    from.send({ send: rawSend({ to: bob.keys }) });
    expect(await from.next('sendResult')).toMatchObject({ refused: { code: 'draining', retryable: true } });
    gate.resolve();
    expect(await from.next('sendResult')).toMatchObject({ recipients: [{ status: 1 }] });
    expect((await from.closed).code).toBe(1012);
    expect((await idle.closed).code).toBe(1012);
    await stopped;
    await relay.relay.stop();
    await expect(fetch(`${relay.url}/healthz`)).rejects.toThrow();
    expect(relay.time.pending).toBe(0);
  });

  it('does not wait for ever for a client that does not close', async () => {
    await using relay = await startRelay({ stores });
    const alice = await register(relay, '+14155550101');
    const stream = await open(relay, alice);
    await stream.next('queueEmpty');
    stream.socket.pause();
    const before = relay.time.pending;
    const stopped = relay.relay.stop();
    // The watch over silent streams ends; the time limits of the close and of the drain begin.
    while (relay.time.pending < before + 1) await new Promise(setImmediate);
    relay.time.advance(10_000);
    await stopped;
    expect(relay.time.pending).toBe(0);
    stream.socket.resume();
    await stream.closed;
  });
});

describe('stop', () => {
  it('lets go of the stores, whatever fails before', async () => {
    let isClosed = false;
    const { relay, folder } = await startRelay({
      wrapStores: (real) => ({
        ...real,
        close: async () => {
          await real.close();
          isClosed = true;
        },
      }),
      listener: {
        listen: async () => ({ port: 1, url: 'http://nowhere.example' }),
        close: () => Promise.reject(new Error('it does not end')),
      },
    });
    await expect(relay.stop()).rejects.toThrow('it does not end');
    expect(isClosed).toBe(true);
    await rm(folder, { recursive: true, force: true });
  });
});

describe('the command', () => {
  const entry = new URL('../src/bin.ts', import.meta.url).pathname;
  const run = (...args: string[]) => {
    const child = spawn(process.execPath, ['--conditions=sotto-source', entry, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH: process.env.PATH ?? '' },
    });
    let output = '';
    let errors = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      errors += text;
    });
    const ended = new Promise<{ status: number | null; output: string; errors: string }>((resolve) => {
      child.on('close', (status) => resolve({ status, output, errors }));
    });
    return { child, ended, output: () => output };
  };

  it('serves, and ends by itself with status 0 after SIGTERM, with a client still there', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'sotto-command-'));
    const { child, ended, output } = run('--data', folder, '--port', '0');
    while (!output().includes('\n')) await new Promise((resolve) => child.stdout.once('data', resolve));
    const url = /http:\/\/127\.0\.0\.1:\d+/.exec(output())?.[0] ?? '';
    const relay = { url };
    expect((await call(relay, 'GET', '/readyz')).status).toBe(200);
    const number = '+14155550101';
    await call(relay, 'POST', '/v1/verifications', { body: { number } });
    while (!output().includes('verification code')) await new Promise((resolve) => child.stdout.once('data', resolve));
    expect((await stat(join(folder, 'relay.key'))).mode & 0o777).toBe(0o600);
    child.kill('SIGTERM');
    const { status, errors } = await ended;
    expect(status).toBe(0);
    expect(errors).not.toContain(number);
    await rm(join(folder, 'relay.key'));
    const second = await run('--data', folder, '--port', '0').ended;
    expect(second.status).toBe(1);
    expect(second.errors).toContain('relay.key is missing beside an existing database');
    await rm(folder, { recursive: true });
  });

  it('says in one sentence what is wrong', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'sotto-command-'));
    const path = join(folder, 'relay.json');
    await writeFile(path, JSON.stringify({ prot: 1 }));
    const wrong = await run('--config', path).ended;
    expect(wrong).toMatchObject({ status: 2, output: '' });
    expect(wrong.errors).toBe(`sotto-relay: ${path}: unknown key \`prot\`: did you mean \`port\`?\n`);
    const missing = await run('--config', join(folder, 'none.json')).ended;
    expect(missing.status).toBe(2);
    const help = await run('--help').ended;
    expect(help).toMatchObject({ status: 0, errors: '' });
    expect(help.output).toContain('mailbox.retentionMs (SOTTO_MAILBOX_RETENTION_MS)');
    await rm(folder, { recursive: true });
  });
});
