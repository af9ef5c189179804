import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  ecPrekey,
  ownerOf,
  signedPrekey,
  someAccount,
  someBytes,
  someEnding,
  someList,
  someNumber,
  start,
} from '../../conformance/samples.ts';
import { settableClock } from '../../conformance/settable-clock.ts';
import { type CassandraAccounts, cassandraAccounts } from './cassandra-accounts.ts';
import type { CassandraDatabase } from './cassandra-database.ts';
import { someRealm, TestKeyspace } from './cassandra-keyspace.ts';

const hour = 3_600_000;

/** What several nodes do to one thing at the same time, each with a session of its own. */
describe('two nodes at once', () => {
  let keyspace: TestKeyspace;
  let databases: CassandraDatabase[];
  let nodes: CassandraAccounts[];
  beforeAll(async () => {
    keyspace = await TestKeyspace.make();
    databases = [await keyspace.open(), await keyspace.open()];
    const options = { clock: settableClock(), realm: someRealm() };
    nodes = databases.map((database) => cassandraAccounts(database, options));
  });
  afterAll(async () => {
    for (const database of databases) await database.close();
    await keyspace.drop();
  });

  /** The stores of one node or the other. */
  function at(index: number): CassandraAccounts {
    const node = nodes[index % nodes.length];
    if (node === undefined) throw new Error('there is no node');
    return node;
  }

  it('20 registrations of one number: each is answered, and one account has it', async () => {
    const numberMac = someNumber();
    const rivals = Array.from({ length: 20 }, () => someAccount({ numberMac }));
    const outcomes = await Promise.all(rivals.map((rival, index) => at(index).accounts.register(rival)));
    expect(outcomes.map(({ status }) => status)).toEqual(Array(20).fill('registered'));
    // Each that was replaced is named once.
    const replaced = outcomes.flatMap((outcome) => (outcome.status === 'registered' ? (outcome.replaced ?? []) : []));
    expect([replaced.length, new Set(replaced).size]).toEqual([19, 19]);
    const [holder] = await at(0).accounts.byNumbers([numberMac]);
    const lists = await Promise.all(rivals.map(({ userId }) => at(1).accounts.deviceList(userId)));
    const there = rivals.filter((_, index) => lists[index] !== undefined);
    expect(there.map(({ userId }) => userId)).toEqual([holder]);
    expect(new Set([...replaced, holder]).size).toBe(20);
    const remains = await at(0).control.remains();
    expect(remains.map(({ userId }) => userId).sort()).toEqual([...replaced].sort());
    await at(0).control.swept(replaced);
  });

  it('one request on both: one registers, the others repeat', async () => {
    const account = someAccount();
    const outcomes = await Promise.all(Array.from({ length: 6 }, (_, index) => at(index).accounts.register(account)));
    expect(outcomes.map(({ status }) => status).sort()).toEqual(['registered', ...Array(5).fill('repeated')].sort());
    expect(await at(0).prekeys.left(account.device)).toEqual({ ec: 3, kyber: 2 });
  });

  it('one user id for two numbers: one account has it', async () => {
    const first = someAccount();
    const second = someAccount({ userId: first.userId });
    const outcomes = await Promise.all([first, second].map((each, index) => at(index).accounts.register(each)));
    expect(outcomes.map(({ status }) => status).sort()).toEqual(['registered', 'user-id-taken']);
    const found = await at(0).accounts.byNumbers([first.numberMac, second.numberMac]);
    expect(found.filter((userId) => userId !== undefined)).toEqual([first.userId]);
  });

  it('200 takes of 100 prekeys: no key twice, none lost', async () => {
    const ids = Array.from({ length: 100 }, (_, index) => index + 1);
    const prekeys = {
      signedPrekey: signedPrekey(1),
      lastResortKyberPrekey: signedPrekey(1000),
      prekeys: ids.map(ecPrekey),
      kyberPrekeys: ids.map(signedPrekey),
    };
    const account = someAccount({ prekeys });
    await at(0).accounts.register(account);
    const taken = await Promise.all(Array.from({ length: 200 }, (_, index) => at(index).prekeys.take(account.device)));
    const sorted = (found: (number | undefined)[]) => found.flatMap((id) => id ?? []).sort((one, other) => one - other);
    expect(sorted(taken.map((keys) => keys?.prekey?.id))).toEqual(ids);
    expect(sorted(taken.map((keys) => keys?.kyberPrekey.id))).toEqual([...ids, ...Array(100).fill(1000)]);
    expect(await at(1).prekeys.left(account.device)).toEqual({ ec: 0, kyber: 0 });
  });

  it('a key that a stale replica brings back is not given away again', async () => {
    const account = someAccount();
    await at(0).accounts.register(account);
    const { device, userId } = account;
    const first = await at(0).prekeys.take(device);
    expect(first?.prekey?.id).toBe(1);
    const row = await at(0).users.find(userId);
    await databases[0]?.conditional(
      `INSERT INTO prekey (incarnation, shelf, epoch, id, key_id, public_key, digest) VALUES (?, 1, ?, 1, 1, ?, ?)
       IF NOT EXISTS`,
      [row?.devices.get(1)?.incarnation, row?.keyEpoch, first?.prekey?.publicKey, someBytes(16)],
    );
    expect((await at(0).prekeys.left(device)).ec).toBe(3);
    expect((await at(1).prekeys.take(device))?.prekey?.id).toBe(2);
    expect((await at(0).prekeys.take(device))?.prekey?.id).toBe(3);
    expect((await at(0).prekeys.take(device))?.prekey).toBe(undefined);
  });

  it('uploads while keys are taken: no key twice, none lost, never more than the limit', async () => {
    const account = someAccount({
      prekeys: { signedPrekey: signedPrekey(1), lastResortKyberPrekey: signedPrekey(1), prekeys: [] },
    });
    await at(0).accounts.register(account);
    const { device } = account;
    const uploads = Array.from({ length: 10 }, (_, round) => ({
      prekeys: Array.from({ length: 5 }, (_, index) => ecPrekey(10 * round + index)),
    }));
    const [puts, taken] = await Promise.all([
      Promise.all(uploads.map((keys, index) => at(index).prekeys.put(device, keys, 20))),
      Promise.all(Array.from({ length: 20 }, (_, index) => at(index + 1).prekeys.take(device))),
    ]);
    const stored = uploads.flatMap(({ prekeys }, index) =>
      puts[index] === 'stored' ? prekeys.map(({ id }) => id) : [],
    );
    expect(puts.every((put) => put === 'stored' || put === 'full')).toBe(true);
    const ids = taken.flatMap((keys) => keys?.prekey?.id ?? []);
    expect(new Set(ids).size).toBe(ids.length);
    const { ec } = await at(0).prekeys.left(device);
    expect(ec <= 20).toBe(true);
    expect(ids.length + ec).toBe(stored.length);
  });

  it('wrong secrets for a lock: every try counts  [security: sim-swap]', async () => {
    const account = someAccount();
    await at(0).accounts.register(account);
    const lock = { salt: someBytes(32), secretMac: someBytes(32) };
    await at(0).control.putLock({ ...ownerOf(account), lock, now: start });
    const attempt = { secretMac: someBytes(32), now: start, idleMs: 24 * hour };
    const outcomes = await Promise.all(
      Array.from({ length: 8 }, (_, index) =>
        at(index).accounts.register(someAccount({ numberMac: account.numberMac, lock: attempt })),
      ),
    );
    const told = outcomes.map((outcome) =>
      outcome.status === 'locked' ? outcome.refusal.attemptsLeft : outcome.status,
    );
    expect(told.sort()).toEqual([0, 0, 0, 0, 1, 2, 3, 4]);
  });

  it('next versions of a list: one is stored', async () => {
    const account = someAccount();
    await at(0).accounts.register(account);
    const lists = Array.from({ length: 8 }, () => ({ ...someList(2, []), devices: account.deviceList.devices }));
    const answers = await Promise.all(
      lists.map((list, index) => at(index).accounts.replaceDeviceList(account.userId, list)),
    );
    expect([...answers].sort()).toEqual([...Array(7).fill('conflict'), 'stored']);
  });

  it('one pair of refresh tokens: one rotates, the others repeat; two successors: theft', async () => {
    const [one, other] = [someAccount(), someAccount()];
    for (const account of [one, other]) await at(0).accounts.register(account);
    const step = (refresh: Uint8Array, next = someBytes(32)) => ({
      refresh,
      next,
      access: someBytes(32),
      accessExpiresAt: start + hour,
      now: start,
    });
    const next = someBytes(32);
    const answers = await Promise.all(
      Array.from({ length: 6 }, (_, index) => at(index).tokens.rotate(step(one.refreshTokenHash, next))),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([...Array(5).fill('repeated'), 'rotated']);
    const steps = [step(other.refreshTokenHash), step(other.refreshTokenHash)];
    const thefts = await Promise.all(steps.map((each, index) => at(index).tokens.rotate(each)));
    expect(thefts.map(({ status }) => status).sort()).toEqual(['reused', 'rotated']);
    for (const { access } of steps) expect(await at(0).tokens.session(access, start)).toBe(undefined);
  });

  it('a move to a number, a registration of it and the end of who has it: one holder at most, and no ghost', async () => {
    const [mover, holder] = [someAccount(), someAccount()];
    for (const account of [mover, holder]) await at(0).accounts.register(account);
    const { numberMac } = holder;
    const rival = someAccount({ numberMac });
    const [moved, registered, ended] = await Promise.all([
      at(0).control.moveNumber({ ...ownerOf(mover), numberMac, numberCiphertext: someBytes(9), lock: mover.lock }),
      at(1).accounts.register(rival),
      at(0).control.end(someEnding(holder)),
    ]);
    expect([moved.status, registered.status]).toEqual(['moved', 'registered']);
    expect(['ended', 'unknown']).toContain(ended);
    expect(await at(1).accounts.deviceList(holder.userId)).toBe(undefined);
    const [now, before] = await at(0).accounts.byNumbers([numberMac, mover.numberMac]);
    const there = await Promise.all([mover, rival].map(({ userId }) => at(1).accounts.deviceList(userId)));
    expect(there.filter((list) => list !== undefined).length).toBe(1);
    expect(now).toBe(there[0] === undefined ? rival.userId : mover.userId);
    expect(before).toBe(undefined);
  });
});
