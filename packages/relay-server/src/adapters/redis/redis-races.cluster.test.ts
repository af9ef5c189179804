import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { runningEngines } from '../../../test/engines.ts';
import { someBytes, someDevice, someNumber, start } from '../../conformance/samples.ts';
import { settableClock } from '../../conformance/settable-clock.ts';
import { systemRandomness } from '../../platform/system-randomness.ts';
import type { Verification } from '../../ports/verification-store.ts';
import { RedisLinkStore } from './link-store.ts';
import { presenceLeaseMs } from './presence.ts';
import { RedisDatabase } from './redis-database.ts';
import { removeKeys } from './redis-harness.ts';
import { redisStores } from './redis-stores.ts';

const minute = 60_000;

function code(change: Partial<Verification> = {}): Verification {
  return {
    id: randomUUID(),
    numberMac: someNumber(),
    numberCiphertext: someBytes(40),
    codeMac: someBytes(32),
    createdAt: start,
    expiresAt: start + 10 * minute,
    ...change,
  };
}

/** Two nodes on one Redis. */
async function twoNodes() {
  const { url } = runningEngines().redis;
  const prefix = `test-${randomUUID()}`;
  const open = async () => {
    const clock = settableClock();
    const options = { url, prefix, commandTimeoutMs: 20_000, onTrouble: () => undefined };
    const database = await RedisDatabase.open(options);
    return { database, clock, ...redisStores(database, clock, systemRandomness) };
  };
  const [one, two] = [await open(), await open()];
  return {
    one,
    two,
    async [Symbol.asyncDispose]() {
      await Promise.all([one.database.close(), two.database.close()]);
      await removeKeys(url, prefix);
    },
  };
}

/** Calls on two nodes in turn, all at once. */
function both<T>(count: number, call: (turn: 0 | 1) => Promise<T>): Promise<T[]> {
  return Promise.all(Array.from({ length: count }, (_, index) => call(index % 2 === 0 ? 0 : 1)));
}

describe('two nodes on one Redis', () => {
  it('of 200 parallel redemptions of a ticket one wins', async () => {
    await using nodes = await twoNodes();
    const stores = [nodes.one.tickets, nodes.two.tickets] as const;
    const [ticket, device] = [someBytes(32), someDevice()];
    await stores[0].put(ticket, device, start + 30_000);
    const won = await both(200, (turn) => stores[turn].redeem(ticket, start));
    expect(won.filter((winner) => winner !== undefined)).toEqual([device]);
  });

  it('of 200 parallel claims of a device code, and takers of a link, one wins', async () => {
    await using nodes = await twoNodes();
    const stores = [nodes.one, nodes.two] as const;
    const [deviceCode, device] = [someBytes(32), someDevice()];
    await stores[0].deviceCodes.issue(deviceCode, device, start + 120_000);
    const won = await both(200, (turn) => stores[turn].deviceCodes.claim(deviceCode, someBytes(16), start));
    expect(won.filter((winner) => winner !== undefined)).toEqual([device]);

    const link = { id: someBytes(16), tokenHash: someBytes(32), publicKey: someBytes(33), expiresAt: start + minute };
    await stores[0].links.open(link, start);
    await stores[1].links.leave(link.id, link.publicKey, someBytes(9), start);
    const polls = await both(200, (turn) => stores[turn].links.take(link.id, link.tokenHash, start));
    expect(polls.filter(({ status }) => status === 'taken').length).toBe(1);
    expect(polls.filter(({ status }) => status === 'unknown').length).toBe(199);
  });

  it('no more links are open than there is room for, and places are free again after their time', async () => {
    await using nodes = await twoNodes();
    const stores = [new RedisLinkStore(nodes.one.database, 5), new RedisLinkStore(nodes.two.database, 5)] as const;
    const open = (turn: 0 | 1, now: number) =>
      stores[turn].open(
        { id: someBytes(16), tokenHash: someBytes(32), publicKey: someBytes(33), expiresAt: now + minute },
        now,
      );
    const opened = await both(50, (turn) => open(turn, start));
    expect(opened.filter((outcome) => outcome === 'opened').length).toBe(5);
    expect(await open(1, start + minute - 1)).toBe('full');
    expect(await open(0, start + minute)).toBe('opened');
  });

  it('of 200 parallel messages for a link one is left', async () => {
    await using nodes = await twoNodes();
    const stores = [nodes.one.links, nodes.two.links] as const;
    const link = { id: someBytes(16), tokenHash: someBytes(32), publicKey: someBytes(33), expiresAt: start + minute };
    await stores[0].open(link, start);
    const left = await both(200, (turn) => stores[turn].leave(link.id, link.publicKey, someBytes(9), start));
    expect(left.filter((outcome) => outcome === 'left').length).toBe(1);
  });

  it('parallel guesses count, five in all, and of right ones one claim wins', async () => {
    await using nodes = await twoNodes();
    const stores = [nodes.one.verifications, nodes.two.verifications] as const;
    const [guessed, claimed] = [code(), code()];
    for (const sent of [guessed, claimed]) await stores[0].start(sent, minute);
    const attempt = (turn: 0 | 1, { id }: Verification, codeMac: Uint8Array) =>
      stores[turn].attempt({ id, codeMac, claim: someBytes(16), maxAttempts: 5, now: start });
    const guesses = await both(200, (turn) => attempt(turn, guessed, someBytes(32)));
    expect(guesses.filter(({ status }) => status === 'wrong').length).toBe(5);
    expect(guesses.filter(({ status }) => status === 'void').length).toBe(195);
    expect((await attempt(1, guessed, guessed.codeMac)).status).toBe('void');
    const claims = await both(200, (turn) => attempt(turn, claimed, claimed.codeMac));
    expect(claims.filter(({ status }) => status === 'right').length).toBe(1);
    expect(claims.filter(({ status }) => status === 'used').length).toBe(199);
  });

  it('of parallel codes for one number one is started, and the others are unknown', async () => {
    await using nodes = await twoNodes();
    const stores = [nodes.one.verifications, nodes.two.verifications] as const;
    const numberMac = someNumber();
    const codes: Verification[] = [];
    const answers = await both(100, (turn) => {
      const sent = code({ numberMac });
      codes.push(sent);
      return stores[turn].start(sent, minute);
    });
    expect(answers.filter(({ status }) => status === 'started').length).toBe(1);
    const known = await Promise.all(codes.map(({ id }) => stores[1].numberOf(id)));
    expect(known.filter((number) => number !== undefined).length).toBe(1);
  });

  it('a sweep on both counts each code once', async () => {
    await using nodes = await twoNodes();
    const stores = [nodes.one.verifications, nodes.two.verifications] as const;
    await both(1_200, (turn) => stores[turn].start(code(), minute));
    const swept = await both(2, (turn) => stores[turn].sweep(start + 10 * minute + 1));
    expect(swept.reduce((sum, count) => sum + count, 0)).toBe(1_200);
  });

  it('revoking on one node revokes what the other issues at the same moment, or issued before', async () => {
    await using nodes = await twoNodes();
    const stores = [nodes.one.tickets, nodes.two.tickets] as const;
    const device = someDevice();
    const before = someBytes(32);
    await stores[0].put(before, device, start + 30_000);
    const issued = Array.from({ length: 50 }, () => someBytes(32));
    // What is issued after the call has ended stands; what was going on at the same moment may, or may not.
    await Promise.all([
      ...issued.map((ticket) => stores[0].put(ticket, device, start + 30_000)),
      stores[1].revoke(device.userId, device.deviceId),
    ]);
    expect(await stores[0].redeem(before, start)).toBe(undefined);
    await stores[1].revoke(device.userId);
    const redeemed = await Promise.all(issued.map((ticket) => stores[0].redeem(ticket, start)));
    expect(redeemed.filter((owner) => owner !== undefined)).toEqual([]);
    const after = someBytes(32);
    await stores[1].put(after, device, start + 30_000);
    expect(await stores[0].redeem(after, start)).toEqual(device);
  });

  it('a bucket is one for both, and clocks that are apart do not fill it', async () => {
    await using nodes = await twoNodes();
    const stores = [nodes.one.rateLimiter, nodes.two.rateLimiter] as const;
    const limit = { burst: 10, refillMs: 1_000 };
    const taken = await both(100, (turn) => stores[turn].take('a', 1, limit));
    expect(taken.filter(({ allowed }) => allowed).length).toBe(10);

    nodes.two.clock.set(start + 5_000);
    let allowed = 0;
    for (let turn = 0; turn < 100; turn++) {
      if ((await stores[turn % 2 === 0 ? 0 : 1].take('a', 1, limit)).allowed) allowed++;
    }
    // The five that came by the clock of the second, once.
    expect(allowed).toBe(5);
    // The first is told to wait until its own clock is where the bucket is, and a token has come.
    expect(await stores[0].take('a', 1, limit)).toEqual({ allowed: false, retryAfterMs: 6_000 });
    nodes.one.clock.set(start + 6_000);
    expect(await stores[0].take('a', 1, limit)).toEqual({ allowed: true });
  });

  it('presence: of parallel claims the last one holds, and each names the one before', async () => {
    await using nodes = await twoNodes();
    const stores = [nodes.one.presence, nodes.two.presence] as const;
    const device = someDevice();
    const claims = await both(100, (turn) => stores[turn].claim(device, `node ${turn}`));
    const holder = await stores[0].holder(device);
    const replaced = claims.flatMap(({ previous }) => (previous === undefined ? [] : [previous.epoch]));
    const left = claims.filter(({ epoch }) => !replaced.includes(epoch));
    expect([new Set(replaced).size, left.map(({ epoch }) => epoch)]).toEqual([99, [holder?.epoch]]);
  });

  it('presence: an entry that nobody keeps ends, and one that is kept lasts', async () => {
    await using nodes = await twoNodes();
    const { one, two } = nodes;
    const [kept, left] = [someDevice(), someDevice()];
    const { epoch } = await one.presence.claim(kept, 'one');
    const gone = await one.presence.claim(left, 'one');
    one.clock.set(start + minute);
    expect(await one.presence.keep('one', [{ device: kept, epoch }])).toEqual(['kept']);
    two.clock.set(start + presenceLeaseMs - 1);
    expect(await two.presence.holder(left)).toEqual({ node: 'one', epoch: gone.epoch });
    two.clock.set(start + presenceLeaseMs);
    expect(await two.presence.holder(left)).toBe(undefined);
    expect(await two.presence.holder(kept)).toEqual({ node: 'one', epoch });
    expect((await two.presence.claim(left, 'two')).previous).toBe(undefined);
    for (const { clock } of [one, two]) clock.set(start + minute + presenceLeaseMs);
    expect(await two.presence.holder(kept)).toBe(undefined);
    // It was away, for whoever looked.
    expect(await one.presence.keep('one', [{ device: kept, epoch }])).toEqual(['restored']);
  });

  it('no key and no value holds a code, an id or a key of a limit in clear', async () => {
    await using nodes = await twoNodes();
    const { one } = nodes;
    const [id, claim] = [randomUUID(), someBytes(16)];
    const sent = code({ id });
    await one.verifications.start(sent, minute);
    await one.verifications.attempt({ id, codeMac: sent.codeMac, claim, maxAttempts: 5, now: start });
    const link = { id: someBytes(16), tokenHash: someBytes(32), publicKey: someBytes(33), expiresAt: start + minute };
    await one.links.open(link, start);
    await one.rateLimiter.take('codesPerAddress 192.0.2.77', 1, { burst: 1, refillMs: 1 });
    const dump = await dumpOf(one.database);
    expect(dump.includes(handleSample(one.database))).toBe(true);
    for (const secret of [id, '192.0.2.77']) expect(dump.includes(secret)).toBe(false);
    for (const secret of [claim, link.id]) {
      expect(dump.includes(Buffer.from(secret))).toBe(false);
      expect(dump.includes(Buffer.from(secret).toString('base64url'))).toBe(false);
    }
  });
});

/** All keys of a relay, and what they hold. */
async function dumpOf(database: RedisDatabase): Promise<Buffer> {
  const parts: Buffer[] = [];
  let cursor = '0';
  do {
    const [next, keys] = (await database.ask('SCAN', cursor, 'MATCH', database.key('*'))) as [Buffer, Buffer[]];
    for (const key of keys) {
      parts.push(key);
      const type = String(await database.ask('TYPE', key.toString()));
      if (type === 'hash') parts.push(...((await database.ask('HVALS', key.toString())) as Buffer[]));
      else if (type === 'zset') parts.push(...((await database.ask('ZRANGE', key.toString(), 0, -1)) as Buffer[]));
      else parts.push((await database.ask('GET', key.toString())) as Buffer);
    }
    cursor = next.toString();
  } while (cursor !== '0');
  return Buffer.concat(parts);
}

/** What has to be in a dump that was read well. */
function handleSample(database: RedisDatabase): string {
  return database.key('verification-ends');
}
