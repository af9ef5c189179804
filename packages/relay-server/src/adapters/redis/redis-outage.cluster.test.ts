import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { freePort, ownRedis } from '../../../test/own-redis.ts';
import { refusalOf } from '../../conformance/harness.ts';
import { someBytes, someDevice, someNumber, start } from '../../conformance/samples.ts';
import { settableClock } from '../../conformance/settable-clock.ts';
import { systemRandomness } from '../../platform/system-randomness.ts';
import { RelayError } from '../../relay-error.ts';
import { RedisDatabase } from './redis-database.ts';
import { redisStores } from './redis-stores.ts';

const limit = { burst: 3, refillMs: 1_000 };

async function openNode(url: string, commandTimeoutMs = 500) {
  const troubles: RelayError[] = [];
  const options = {
    url,
    prefix: 'test',
    commandTimeoutMs,
    onTrouble: (error: RelayError) => void troubles.push(error),
  };
  const database = await RedisDatabase.open(options);
  return {
    database,
    troubles,
    ...redisStores(database, settableClock(), systemRandomness),
    [Symbol.asyncDispose]: () => database.close(),
  };
}

/** Asks again until there is an answer: a connection comes back by itself, after a pause of its own. */
async function whenBack<T>(ask: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof RelayError && error.code === 'store-unavailable')) throw error;
      await pause(20);
    }
  }
}

async function failureOf(work: Promise<unknown>): Promise<Pick<RelayError, 'code' | 'retryable'>> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof RelayError)) throw new Error('it did not fail', { cause: error });
  return { code: error.code, retryable: error.retryable };
}

const unavailable = { code: 'store-unavailable', retryable: true };

describe('a Redis that is not there', () => {
  it('keeps the relay from starting, with an error that passes', async () => {
    expect(await failureOf(openNode(`redis://127.0.0.1:${await freePort()}`))).toEqual(unavailable);
  });

  it('that takes the connection and says nothing does so too', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    try {
      const port = typeof address === 'object' ? address?.port : undefined;
      expect(await failureOf(openNode(`redis://127.0.0.1:${port}`))).toEqual(unavailable);
    } finally {
      server.close();
    }
  });

  it('or refuses the password, or evicts what is in it, is for the operator to set right', async () => {
    await using locked = await ownRedis(['--requirepass', 'right']);
    expect(await refusalOf(openNode(`redis://:wrong@127.0.0.1:${locked.port}`))).toBe('config-invalid');
    expect(await refusalOf(openNode(locked.url))).toBe('config-invalid');
    await using node = await openNode(`redis://:right@127.0.0.1:${locked.port}`);
    expect(await node.rateLimiter.take('a', 1, limit)).toEqual({ allowed: true });

    await using evicting = await ownRedis(['--maxmemory', '64mb', '--maxmemory-policy', 'volatile-lru']);
    expect(await refusalOf(openNode(evicting.url))).toBe('config-invalid');
    await using bounded = await ownRedis(['--maxmemory', '64mb', '--maxmemory-policy', 'noeviction']);
    await (await openNode(bounded.url)).database.close();
  });
});

describe('a Redis that goes away', () => {
  it('allows nothing: every call fails, and they work again when it is back', async () => {
    await using redis = await ownRedis();
    await using node = await openNode(redis.url);
    expect(await node.rateLimiter.take('a', 1, limit)).toEqual({ allowed: true });
    redis.signal('SIGSTOP');
    const device = someDevice();
    const [now, bytes] = [start, someBytes(32)];
    const guess = { id: randomUUID(), codeMac: bytes, claim: bytes, maxAttempts: 5, now };
    const link = { id: bytes, tokenHash: bytes, publicKey: bytes, expiresAt: now + 1_000 };
    const calls = () => [
      node.rateLimiter.take('a', 1, limit),
      node.tickets.put(bytes, device, now + 1_000),
      node.tickets.redeem(bytes, now),
      node.tickets.revoke(device.userId),
      node.deviceCodes.issue(bytes, device, now + 1_000),
      node.deviceCodes.claim(bytes, bytes, now),
      node.links.open(link, now),
      node.links.take(bytes, bytes, now),
      node.links.leave(bytes, bytes, bytes, now),
      node.verifications.attempt(guess),
      node.verifications.numberOf(guess.id),
      node.verifications.cancel(guess.id),
      node.verifications.sweep(now),
      node.presence.claim(device, 'one'),
      node.presence.holder(device),
      node.presence.release(device, 'an epoch'),
      node.presence.keep('one', [{ device, epoch: 'an epoch' }]),
    ];
    for (const failure of await Promise.all(calls().map(failureOf))) expect(failure).toEqual(unavailable);
    // The connection was given up meanwhile: there is none, and nothing waits for one.
    for (const failure of await Promise.all(calls().map(failureOf))) expect(failure).toEqual(unavailable);
    redis.signal('SIGCONT');
    expect((await whenBack(() => node.rateLimiter.take('b', 3, limit))).allowed).toBe(true);
  });

  it('is connected to again after it was started anew, and what it had is unknown', async () => {
    await using redis = await ownRedis();
    await using node = await openNode(redis.url);
    const { presence, tickets, verifications, links, deviceCodes } = node;
    const device = someDevice();
    const [ticket, code, claim] = [someBytes(32), someBytes(32), someBytes(16)];
    const sent = {
      id: randomUUID(),
      numberMac: someNumber(),
      numberCiphertext: someBytes(40),
      codeMac: someBytes(32),
      createdAt: start,
      expiresAt: start + 600_000,
    };
    const link = { id: someBytes(16), tokenHash: someBytes(32), publicKey: someBytes(33), expiresAt: start + 60_000 };
    const { epoch } = await presence.claim(device, 'one');
    await tickets.put(ticket, device, start + 30_000);
    await deviceCodes.issue(code, device, start + 120_000);
    await links.open(link, start);
    await verifications.start(sent, 60_000);

    await redis.restart();
    expect(await whenBack(() => presence.holder(device))).toBe(undefined);
    expect(node.troubles.map((error) => error.code)).toContain('store-unavailable');
    expect(await tickets.redeem(ticket, start)).toBe(undefined);
    expect(await deviceCodes.claim(code, claim, start)).toBe(undefined);
    expect(await links.take(link.id, link.tokenHash, start)).toEqual({ status: 'unknown' });
    const guess = { id: sent.id, codeMac: sent.codeMac, claim, maxAttempts: 5, now: start };
    expect(await verifications.attempt(guess)).toEqual({ status: 'unknown' });
    // The node that still has the stream says so, and is found again under its epoch.
    expect(await presence.keep('one', [{ device, epoch }])).toEqual(['restored']);
    expect(await presence.holder(device)).toEqual({ node: 'one', epoch });
  });

  it('and has lost its scripts and keys is given them again', async () => {
    await using redis = await ownRedis();
    await using node = await openNode(redis.url);
    expect(await node.rateLimiter.take('a', 3, limit)).toEqual({ allowed: true });
    await node.database.ask('SCRIPT', 'FLUSH');
    expect(await node.rateLimiter.take('a', 1, limit)).toEqual({ allowed: false, retryAfterMs: 1_000 });
    await node.database.ask('FLUSHALL', 'SYNC');
    expect(await node.rateLimiter.take('a', 3, limit)).toEqual({ allowed: true });
  });

  it('that is full refuses rather than forgets', async () => {
    await using redis = await ownRedis();
    await using node = await openNode(redis.url);
    await node.rateLimiter.take('a', 3, limit);
    await node.database.ask('CONFIG', 'SET', 'maxmemory', 1);
    expect(await failureOf(node.rateLimiter.take('a', 1, limit))).toEqual(unavailable);
    await node.database.ask('CONFIG', 'SET', 'maxmemory', 0);
    expect(await node.rateLimiter.take('a', 1, limit)).toEqual({ allowed: false, retryAfterMs: 1_000 });
  });
});

describe('a connection that has gone silent under load', () => {
  it('is given up and made anew, long before TCP would notice', async () => {
    await using redis = await ownRedis();
    await using proxy = await silencedProxy(redis.port);
    await using node = await openNode(`redis://127.0.0.1:${proxy.port}`, 300);
    expect((await node.rateLimiter.take('a', 1, limit)).allowed).toBe(true);
    proxy.silence();
    // Something is written all the time, so that the socket itself is never idle.
    const writing = new AbortController();
    const written = (async () => {
      while (!writing.signal.aborted) {
        node.presence.holder(someDevice()).catch(() => undefined);
        await pause(10);
      }
    })();
    expect((await whenBack(() => node.rateLimiter.take('b', 1, limit))).allowed).toBe(true);
    expect(proxy.connections()).toBe(2);
    writing.abort();
    await written;
  });

  it('closing is idempotent, and leaves no call waiting', async () => {
    await using redis = await ownRedis();
    const node = await openNode(redis.url);
    redis.signal('SIGSTOP');
    const asked = failureOf(node.rateLimiter.take('a', 1, limit));
    await node.database.close();
    expect(await asked).toEqual(unavailable);
    await node.database.close();
    expect(await failureOf(node.rateLimiter.take('a', 1, limit))).toEqual(unavailable);
  });
});

/** Passes bytes on, until the connections that there are fall silent; later ones work. */
async function silencedProxy(target: number) {
  const sockets: Socket[] = [];
  let count = 0;
  const server = createServer((near) => {
    count++;
    const far = connect(target, '127.0.0.1');
    for (const socket of [near, far]) socket.on('error', () => socket.destroy());
    near.pipe(far).pipe(near);
    sockets.push(near, far);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    port: address.port,
    connections: () => count,
    silence() {
      for (const socket of sockets) {
        socket.unpipe();
        // What is written is taken, and goes nowhere.
        socket.resume();
      }
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
