import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from '@sotto/sdk';
import { memoryStore } from '@sotto/storage-adapters/memory';
import { afterEach, describe, expect, it } from 'vitest';
import { numberOfNoAnswer } from '../led/relay-calls.ts';
import { RelayProcess } from '../led/relay-process.ts';
import { Watch } from '../led/watch.ts';

const cleanups: (() => void | Promise<void>)[] = [];
afterEach(async () => {
  for (const clean of cleanups.splice(0).reverse()) await clean();
});

async function startedRelay(): Promise<{ relay: RelayProcess; watch: Watch }> {
  const folder = mkdtempSync(join(tmpdir(), 'sotto-exit-'));
  const watch = new Watch();
  const relay = new RelayProcess(folder, watch);
  await relay.start();
  cleanups.push(async () => {
    await relay.kill();
    rmSync(folder, { recursive: true, force: true });
  });
  return { relay, watch };
}

async function person(relay: RelayProcess, phone: string): Promise<Client> {
  const client = await Client.open({ relay: relay.url, store: memoryStore() });
  cleanups.push(() => client.stop());
  await client.register({ phone, profile: { username: 'Somebody' }, code: () => relay.codeFor(phone) });
  return client;
}

/** Stops the relay: its process has to end by itself with nothing left, and the data has to be free for the next one. */
async function expectCleanStop(relay: RelayProcess): Promise<void> {
  const begun = performance.now();
  const { left, ending } = await relay.stop();
  console.log(`stop and end took ${(performance.now() - begun).toFixed(0)} ms, handles ${left.turns} turns`);
  expect(left).toMatchObject({ resources: [], files: [] });
  expect(ending).toEqual({ status: 0, signal: null });
  await relay.start();
}

/** Writes raw bytes to the relay and gives the open connection. */
async function written(relay: RelayProcess, text: string) {
  const { port, hostname } = new URL(relay.url);
  const socket = connect(Number(port), hostname);
  cleanups.push(() => {
    socket.destroy();
  });
  // It is cut off: that is what is tried.
  socket.on('error', () => socket.destroy());
  await once(socket, 'connect');
  socket.write(text);
  return socket;
}

describe('P7 a relay that is stopped ends by itself and leaves nothing', () => {
  it('idle', async () => {
    const { relay } = await startedRelay();
    await expectCleanStop(relay);
  });

  it('with people who write', async () => {
    const { relay } = await startedRelay();
    const alice = await person(relay, '+14155550101');
    const bob = await person(relay, '+14155550102');
    const chat = await alice.chats.with('+14155550102');
    const back = await bob.chats.with('+14155550101');
    const count = 500;
    const arrived = Promise.withResolvers<void>();
    const some = Promise.withResolvers<void>();
    let heard = 0;
    bob.on('message.received', () => {
      heard++;
      if (heard === 50) some.resolve();
      if (heard === count) arrived.resolve();
    });
    const texts = Array.from({ length: count }, (_, at) => `number ${at}`);
    const sent = Promise.all(texts.map((text) => chat.send(text)));
    await some.promise;
    await expectCleanStop(relay);
    await sent;
    await arrived.promise;
    const { messages } = await back.history({ from: 'oldest', limit: 500 });
    expect(messages.map(({ text }) => text)).toEqual(texts);
  });

  it('with half a request, an idle connection, and a request that is being answered', async () => {
    const { relay, watch } = await startedRelay();
    await written(
      relay,
      'POST /v1/verifications HTTP/1.1\r\nHost: relay\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"num',
    );
    await written(relay, '');
    const body = JSON.stringify({ number: numberOfNoAnswer });
    const request = fetch(`${relay.url}/v1/verifications`, {
      method: 'POST',
      body,
      headers: { 'content-type': 'application/json' },
    }).then(
      () => 'answered',
      () => 'cut off',
    );
    await watch.until(() => relay.sentTo(numberOfNoAnswer) === 1);
    await expectCleanStop(relay);
    expect(['answered', 'cut off']).toContain(await request);
  });
});
