import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { runningEngines } from '../../../test/engines.ts';
import { ownRedis } from '../../../test/own-redis.ts';
import { hex, refusalOf } from '../../conformance/harness.ts';
import { someIncarnation } from '../../conformance/incarnation-samples.ts';
import { day, quotaOf, roomy } from '../../conformance/mail-samples.ts';
import { someBytes, someDevice, someUser, start } from '../../conformance/samples.ts';
import type { DeviceIncarnation } from '../../ports/device-incarnation.ts';
import type { UserId } from '../../ports/ids.ts';
import type { LedgerEntry } from '../../ports/mail-ledger.ts';
import type { SendReceipt } from '../../ports/send-receipts.ts';
import { userIdToBytes } from '../user-id-bytes.ts';
import { openMailParts } from './mail-parts-harness.ts';
import { removeKeys } from './redis-harness.ts';

const leaseMs = 10_000;

/** Two nodes on one Redis. */
async function twoNodes(url = runningEngines().redis.url) {
  const prefix = `test-${randomUUID()}`;
  const [one, two] = [await openMailParts(url, prefix), await openMailParts(url, prefix)];
  return {
    one,
    two,
    prefix,
    /** Calls on the nodes in turn, all at once. */
    both: <T>(count: number, call: (node: typeof one, at: number) => Promise<T>) =>
      Promise.all(Array.from({ length: count }, (_, at) => call(at % 2 === 0 ? one : two, at))),
    async keys() {
      const found: string[] = [];
      for (let cursor = '0', isFirst = true; isFirst || cursor !== '0'; isFirst = false) {
        const page = await one.database.ask('SCAN', cursor, 'MATCH', `${prefix}:*`, 'COUNT', 1_000);
        const [next, names] = page as [Buffer, Buffer[]];
        cursor = next.toString();
        found.push(...names.map((name) => name.toString()));
      }
      return found;
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([one.database.close(), two.database.close()]);
      await removeKeys(url, prefix);
    },
  };
}

function entry(device: DeviceIncarnation, change: Partial<LedgerEntry> = {}): LedgerEntry {
  const times = { acceptedAt: start, expiresAt: start + 30 * day };
  return { device, entryId: someBytes(16), size: 80, stranger: false, ...times, ...change };
}

function receiptOf(...users: readonly UserId[]): SendReceipt {
  const devices = [{ deviceId: 1, status: 'accepted' as const }];
  const results = users.map((userId) => ({ userId, status: 'accepted' as const, devices }));
  return { acceptedAt: start, expiresAt: start + 30 * day, results };
}

const sum = (counts: readonly number[]) => counts.reduce((total, count) => total + count, 0);

describe('receipts of two nodes on one Redis', () => {
  it('of 100 parallel claims of a send one is fresh, round after round', async () => {
    await using nodes = await twoNodes();
    for (let round = 0; round < 10; round++) {
      const [key, user] = [
        { sender: round % 2 === 0 ? undefined : someIncarnation(), sendId: someBytes(16) },
        someUser(),
      ];
      const claims = await nodes.both(100, ({ receipts }) => receipts.claim(key, [user], start, leaseMs));
      expect(claims.filter(({ status }) => status === 'fresh').length).toBe(1);
      const after = await nodes.both(100, ({ receipts }) => receipts.claim(key, [user], start + leaseMs, leaseMs));
      expect(after.filter(({ status }) => status === 'fresh').length).toBe(1);
    }
  });

  it('claims, settles and abandons at once: who was settled stays recorded, and nobody is fresh twice', async () => {
    await using nodes = await twoNodes();
    const [key, user] = [{ sender: someIncarnation(), sendId: someBytes(16) }, someUser()];
    let fresh = 0;
    const outcomes = await nodes.both(300, async ({ receipts }, at) => {
      const claim = await receipts.claim(key, [user], start, leaseMs);
      if (claim.status !== 'fresh') return claim.status;
      fresh++;
      // The first three give it back: then another one has it.
      if (fresh <= 3) await receipts.abandon(key, claim.token);
      else await receipts.settle(key, claim.token, { ...receiptOf(user), acceptedAt: start + at }, start);
      return claim.status;
    });
    expect(outcomes.filter((status) => status === 'fresh').length).toBe(fresh);
    expect(fresh <= 4).toBe(true);
    expect((await nodes.two.receipts.recorded(key, start))?.results.length).toBe(fresh === 4 ? 1 : undefined);
  });

  it('parallel settles of both nodes: all recipients are recorded, each once', async () => {
    await using nodes = await twoNodes();
    const key = { sender: someIncarnation(), sendId: someBytes(16) };
    const users = Array.from({ length: 100 }, () => someUser());
    const at = (index: number) => users[index % users.length] ?? someUser();
    await nodes.both(200, ({ receipts }, index) =>
      receipts.settle(key, hex(someBytes(8)) ?? '', receiptOf(at(index), at(index + 1)), start),
    );
    const results = (await nodes.one.receipts.recorded(key, start))?.results ?? [];
    expect(results.map(({ userId }) => userId).sort()).toEqual([...users].sort());
  });

  it('nothing that is kept names who sent', async () => {
    await using nodes = await twoNodes();
    const sender = someIncarnation();
    const sealed = { sender: undefined, sendId: someBytes(16) };
    for (const key of [{ sender, sendId: someBytes(16) }, sealed]) {
      const claim = await nodes.one.receipts.claim(key, [someUser()], start, leaseMs);
      if (claim.status === 'fresh') await nodes.one.receipts.settle(key, claim.token, receiptOf(someUser()), start);
    }
    await nodes.one.ledger.reserve([entry(sender)], roomy);
    const keys = await nodes.keys();
    const receipts = keys.filter((key) => !key.includes(':held:'));
    expect([keys.length, receipts.length]).toEqual([4, 2]);
    const values = await Promise.all(receipts.map((key) => nodes.one.database.ask('GET', key)));
    const kept = Buffer.concat([...keys.map((key) => Buffer.from(key)), ...(values as Buffer[])]);
    for (const name of [sender.userId, sender.incarnation, userIdToBytes(sender.userId)]) {
      expect(kept.includes(name)).toBe(false);
    }
    // That of the sealed one has its id, two times, one recipient with one device, and the time of Redis.
    const own = receipts.find((key) => key.includes(':sealed:')) ?? '';
    expect(own).toBe(`${nodes.prefix}:sealed:${Buffer.from(sealed.sendId).toString('base64url')}`);
    expect(await nodes.one.database.ask('STRLEN', own)).toBe(1 + 6 + 6 + 16 + 2);
  });

  it('Redis clears a record away a minute after its time, and a lease a minute after its end', async () => {
    await using nodes = await twoNodes();
    const { receipts, database } = nodes.one;
    const [key, user] = [{ sender: someIncarnation(), sendId: someBytes(16) }, someUser()];
    const claim = await receipts.claim(key, [user], start, leaseMs);
    const left = async () => Number(await database.ask('PTTL', (await nodes.keys())[0] ?? ''));
    expect(Math.ceil((await left()) / 10_000)).toBe(7);
    if (claim.status === 'fresh') await receipts.settle(key, claim.token, receiptOf(user), start + day);
    expect(Math.ceil((await left()) / 60_000)).toBe(7 * 24 * 60 + 1);
    const again = await receipts.claim(key, [user, someUser()], start + day, leaseMs);
    expect(Math.ceil((await left()) / 60_000)).toBe(7 * 24 * 60 + 1);
    if (again.status === 'fresh') await receipts.abandon(key, again.token);
    expect(Math.ceil((await left()) / 60_000)).toBe(7 * 24 * 60 + 1);
  });

  it('a receipt of one device takes less than 60 bytes beside its key', async () => {
    await using nodes = await twoNodes();
    const { receipts, database } = nodes.one;
    const key = { sender: someIncarnation(), sendId: someBytes(16) };
    await receipts.settle(key, '', receiptOf(someUser()), start);
    const [name = ''] = await nodes.keys();
    await database.ask('SET', `${nodes.prefix}:${'x'.repeat(name.length - nodes.prefix.length - 1)}`, '');
    const bytes = async (of: string) => Number(await database.ask('MEMORY', 'USAGE', of));
    const empty = (await nodes.keys()).find((other) => other !== name) ?? '';
    // An empty value takes 24 bytes (its head alone), one of 31 takes 56.
    expect((await bytes(name)) - (await bytes(empty)) <= 60 - 24).toBe(true);
  });
});

describe('the ledger of two nodes on one Redis', () => {
  it('of 500 parallel reserves against a quota of 100, 100 are accepted', async () => {
    await using nodes = await twoNodes();
    const device = someIncarnation();
    const statuses = await nodes.both(500, ({ ledger }) => ledger.reserve([entry(device)], quotaOf(100, 1_000_000)));
    expect(statuses.filter(([status]) => status === 'accepted').length).toBe(100);
    expect(await nodes.two.ledger.usage(device)).toMatchObject({ count: 100, bytes: 8_000 });
  });

  it('of several devices at once each is filled to its brim, by bytes and by strangers', async () => {
    await using nodes = await twoNodes();
    const user = someUser();
    const devices = [1, 2, 3].map((deviceId) => someIncarnation(someDevice(deviceId, user)));
    const quota = { count: 1_000, bytes: 3_000, strangerCount: 20, strangerBytes: 100_000 };
    const statuses = await nodes.both(200, ({ ledger }, at) =>
      ledger.reserve(
        devices.map((device) => entry(device, { size: 50, stranger: at % 3 === 0 })),
        quota,
      ),
    );
    for (const [at, device] of devices.entries()) {
      expect(statuses.filter((each) => each[at] === 'accepted').length).toBe(60);
      expect(await nodes.one.ledger.usage(device)).toMatchObject({ count: 60, bytes: 3_000 });
      expect((await nodes.one.ledger.usage(device)).strangerCount <= 20).toBe(true);
    }
  });

  it('an entry that many release, while sweepers sweep, is counted once', async () => {
    await using nodes = await twoNodes();
    const device = someIncarnation();
    const entries = Array.from({ length: 400 }, (_, at) => entry(device, { expiresAt: start + (at % 2) * day }));
    await nodes.one.ledger.reserve(entries, roomy);
    const ids = entries.map(({ entryId }) => entryId);
    const counts = await nodes.both(40, ({ ledger }, at) =>
      at % 4 < 2 ? ledger.release(device, ids.slice(at * 4)) : ledger.expire(start, 30),
    );
    expect(sum(counts) + (await nodes.one.ledger.release(device, ids))).toBe(400);
    expect((await nodes.two.ledger.usage(device)).count).toBe(0);
    expect(await nodes.keys()).toEqual([]);
  });

  it('sweepers share a large device step by step, while entries come: none is missed or counted twice', async () => {
    await using nodes = await twoNodes();
    const devices = [someIncarnation(), someIncarnation()];
    const quota = quotaOf(100_000, 100_000_000);
    const fill = (count: number, change: (at: number) => Partial<LedgerEntry>) =>
      nodes.both(count / 100, ({ ledger }, turn) =>
        ledger.reserve(
          Array.from({ length: 100 }, (_, at) => entry(devices[turn % 2] ?? someIncarnation(), change(at))),
          quota,
        ),
      );
    await fill(6_000, (at) => ({ expiresAt: at % 2 === 0 ? start : start + 1_000 + at }));
    let expired = 0;
    const sweep = async (until: number) => {
      const counts = await nodes.both(6, async ({ ledger }) => {
        let own = 0;
        for (let last = 150; last === 150; own += last) last = await ledger.expire(until, 150);
        return own;
      });
      expired += sum(counts);
    };
    await Promise.all([sweep(start), fill(1_000, (at) => ({ expiresAt: start + 500 + (at % 10) }))]);
    expect(expired).toBe(3_000);
    await sweep(start + 499);
    expect(expired).toBe(3_000);
    await sweep(start + 504);
    expect(expired).toBe(3_500);
    await sweep(start + 2_000);
    expect(expired).toBe(7_000);
    expect(await nodes.keys()).toEqual([]);
  }, 300_000);

  it('what comes while a sweep rests in the middle of a large device expires in its time', async () => {
    await using nodes = await twoNodes();
    const [{ ledger }, device] = [nodes.one, someIncarnation()];
    for (let call = 0; call < 3; call++)
      await ledger.reserve(
        Array.from({ length: 500 }, () => entry(device)),
        roomy,
      );
    // Half of the time the one that has expired is seen in the first step of two, and the next one stands before that.
    for (let round = 0; round < 20; round++) {
      await ledger.reserve([entry(device, { expiresAt: start })], roomy);
      expect(await nodes.two.ledger.expire(start, 1)).toBe(1);
      await ledger.reserve([entry(device, { expiresAt: start + 500 })], roomy);
      expect(await nodes.two.ledger.expire(start, 10)).toBe(0);
      expect(await nodes.two.ledger.expire(start + 500, 10)).toBe(1);
    }
    expect((await ledger.usage(device)).count).toBe(1_500);
  });

  it('tells the oldest of a small device exactly, and of a large one never too late', async () => {
    await using nodes = await twoNodes();
    const { ledger } = nodes.one;
    const device = someIncarnation();
    const entries = Array.from({ length: 1_500 }, (_, at) => entry(device, { acceptedAt: start + at }));
    for (let from = 0; from < entries.length; from += 500) await ledger.reserve(entries.slice(from, from + 500), roomy);
    const oldest = async () => Number((await ledger.usage(device)).oldest) - start;
    await ledger.release(
      device,
      entries.slice(0, 100).map(({ entryId }) => entryId),
    );
    expect(await oldest()).toBe(0);
    await ledger.release(
      device,
      entries.slice(100, 500).map(({ entryId }) => entryId),
    );
    expect(await oldest()).toBe(500);
    await ledger.reserve([entry(device, { acceptedAt: start + 9 })], roomy);
    expect(await oldest()).toBe(9);
  });

  it('a Redis that lost everything: nothing is held, nothing throws, and it goes on', async () => {
    await using redis = await ownRedis();
    await using nodes = await twoNodes(redis.url);
    const { ledger, receipts, database } = nodes.one;
    const device = someIncarnation();
    const lost = entry(device);
    const [key, user] = [{ sender: someIncarnation(), sendId: someBytes(16) }, someUser()];
    await ledger.reserve([lost], roomy);
    await receipts.settle(key, '', receiptOf(user), start);
    await redis.restart();
    // Its connection comes back by itself, after a pause of its own.
    while ((await refusalOf(database.ask('GET', `${nodes.prefix}:none`))) !== undefined) await pause(20);
    expect(await ledger.usage(device)).toMatchObject({ count: 0, oldest: undefined });
    expect(await ledger.release(device, [lost.entryId])).toBe(0);
    expect(await ledger.expire(start + 30 * day, 10)).toBe(0);
    await ledger.forget(device);
    expect(await receipts.recorded(key, start)).toBe(undefined);
    await receipts.abandon(key, hex(someBytes(8)) ?? '');
    expect(await ledger.reserve([entry(device)], quotaOf(1, 80))).toEqual(['accepted']);
    const again = await receipts.claim(key, [user], start, leaseMs);
    expect(again.status).toBe('fresh');
  });

  it('on a Redis Cluster the keys of each step are of one slot', async () => {
    await using redis = await ownRedis(['--cluster-enabled', 'yes']);
    const { database, ledger, receipts } = await openMailParts(redis.url, 'clustered');
    await database.ask('CLUSTER', 'ADDSLOTSRANGE', 0, 16_383);
    // It takes a while to believe that all slots are served.
    while ((await refusalOf(database.ask('GET', 'none'))) !== undefined) await pause(20);
    const user = someUser();
    const devices = [1, 2, 3].map((deviceId) => someIncarnation(someDevice(deviceId, user)));
    const entries = [...devices, someIncarnation()].map((device) => entry(device, { expiresAt: start }));
    expect(await ledger.reserve(entries, roomy)).toEqual(['accepted', 'accepted', 'accepted', 'accepted']);
    const [first = someIncarnation(), second = first] = devices;
    expect((await ledger.usage(first)).count).toBe(1);
    expect(await ledger.release(first, [entries[0]?.entryId ?? someBytes(1)])).toBe(1);
    await ledger.forget(second);
    expect(await ledger.expire(start, 10)).toBe(2);
    const key = { sender: first, sendId: someBytes(16) };
    const claim = await receipts.claim(key, [user], start, leaseMs);
    if (claim.status === 'fresh') await receipts.settle(key, claim.token, receiptOf(user), start);
    expect((await receipts.claim(key, [user], start, leaseMs)).status).toBe('recorded');
    await database.close();
  });

  it('a Redis that is gone is said to be: store-unavailable', async () => {
    await using redis = await ownRedis();
    const { database, ledger, receipts } = await openMailParts(redis.url, 'gone');
    const device = someIncarnation();
    const key = { sender: device, sendId: someBytes(16) };
    await redis[Symbol.asyncDispose]();
    const calls = [
      () => ledger.reserve([entry(device)], roomy),
      () => ledger.release(device, [someBytes(16)]),
      () => ledger.usage(device),
      () => ledger.expire(start, 10),
      () => ledger.forget(device),
      () => receipts.claim(key, [], start, leaseMs),
      () => receipts.settle(key, '', receiptOf(someUser()), start),
      () => receipts.abandon(key, ''),
      () => receipts.recorded(key, start),
    ];
    for (const call of calls) expect(await refusalOf(call())).toBe('store-unavailable');
    await database.close();
  });

  it('sums without entries are no holding', async () => {
    await using nodes = await twoNodes();
    const { ledger, database } = nodes.one;
    const device = someIncarnation();
    const lost = entry(device, { expiresAt: start });
    await ledger.reserve([lost], roomy);
    const own = (await nodes.keys()).find((key) => !key.endsWith('}')) ?? '';
    await database.ask('HDEL', own, lost.entryId);
    expect(await ledger.expire(start, 10)).toBe(0);
    expect((await ledger.usage(device)).count).toBe(0);
    expect(await nodes.keys()).toEqual([]);
  });

  it('of a device that is gone nothing is left, in the index neither', async () => {
    await using nodes = await twoNodes();
    const device = someIncarnation();
    await nodes.one.ledger.reserve([entry(device), entry(device)], roomy);
    expect((await nodes.keys()).length).toBe(2);
    await nodes.two.ledger.forget(device);
    expect(await nodes.keys()).toEqual([]);
  });
});
