import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { refusalOf } from '../../conformance/harness.ts';
import { pendingStoreConformance } from '../../conformance/pending-store.ts';
import { someBytes, start } from '../../conformance/samples.ts';
import { settableClock } from '../../conformance/settable-clock.ts';
import { dayMs, dayOf } from '../../platform/utc-day.ts';
import type { DeviceKey, LaneId } from '../../ports/ids.ts';
import { longestPendingMs, type PendingRow } from '../../ports/pending-store.ts';
import type { CassandraDatabase } from './cassandra-database.ts';
import { TestKeyspace } from './cassandra-keyspace.ts';
import { CassandraPendingStore } from './pending-store.ts';
import { pendingTables } from './pending-tables.ts';

const lane = 'cluster/topic/0' as LaneId;
const noFiles = "the files of Cassandra are not the adapter's to read";

function someKey(): DeviceKey {
  return `${randomUUID()}/1/${randomUUID()}` as DeviceKey;
}

function rowOf(device: DeviceKey, ko: number, change: Partial<PendingRow> = {}): PendingRow {
  const time = change.time ?? start;
  return { device, lane, ko, time, expiresAt: time + longestPendingMs, envelope: someBytes(40), ...change };
}

describe('cassandra', () => {
  let keyspace: TestKeyspace;
  let database: CassandraDatabase;

  beforeAll(async () => {
    keyspace = await TestKeyspace.make({ areas: [pendingTables] });
    database = await keyspace.open();
  });
  afterAll(async () => {
    await database.close();
    await keyspace.drop();
  });

  pendingStoreConformance(
    { describe, it, expect },
    {
      missing: { files: noFiles },
      async open() {
        let session = await keyspace.open();
        let pending = new CassandraPendingStore(session);
        return {
          get stores() {
            return { pending };
          },
          clock: settableClock(),
          async reopen() {
            await session.close();
            session = await keyspace.open();
            pending = new CassandraPendingStore(session);
          },
          files: () => Promise.reject(new Error(noFiles)),
          close: () => session.close(),
        };
      },
    },
  );

  /** All that the table holds of a device and day, raw. */
  async function raw(device: DeviceKey, day = dayOf(start)): Promise<{ ko: number; bytes: number }[]> {
    const rows = await database.rows<{ ko: bigint; envelope: Buffer | null }>(
      'SELECT ko, envelope FROM pending WHERE device_id = ? AND day_bucket = ?',
      [device, day],
    );
    return rows.map(({ ko, envelope }) => ({ ko: Number(ko), bytes: envelope?.length ?? 0 }));
  }

  async function offsets(pending: CassandraPendingStore, device: DeviceKey, now = start): Promise<number[]> {
    const mail = await pending.page({ device, lane, after: -1, upTo: 1_000, limit: 1_000, now });
    return mail.map(({ ko }) => ko);
  }

  /** A node that dies before or after a statement of this text, when it has come to so many. */
  async function dyingNode(phase: 'before' | 'after', text: string, count = 1) {
    let isDead = false;
    let seen = 0;
    const session = await keyspace.open({
      traceStatement: (now, cql) => {
        if (isDead || (now === phase && cql.includes(text) && ++seen === count)) {
          isDead = true;
          throw new Error('the process has ended');
        }
      },
    });
    return { pending: new CassandraPendingStore(session), [Symbol.asyncDispose]: () => session.close() };
  }

  it('no query can give acked mail: its bytes are not in the table any more', async () => {
    const pending = new CassandraPendingStore(database);
    const device = someKey();
    await pending.spill(
      [1, 2, 3, 4, 5].map((ko) => rowOf(device, ko)),
      start,
    );
    await pending.forgetOne(device, { lane, ko: 4, day: dayOf(start) });
    expect(await raw(device)).toEqual([1, 2, 3, 4, 5].map((ko) => ({ ko, bytes: ko === 4 ? 0 : 40 })));
    await pending.forgetUpTo(device, lane, 3);
    expect(await raw(device)).toEqual([
      { ko: 4, bytes: 0 },
      { ko: 5, bytes: 40 },
    ]);
    await pending.spill(
      [1, 2, 3, 4].map((ko) => rowOf(device, ko)),
      start,
    );
    expect((await raw(device)).map(({ ko }) => ko)).toEqual([4, 5]);
    await pending.forgetUpTo(device, lane, 5);
    expect(await raw(device)).toEqual([]);
    await pending.spill([rowOf(device, 6)], start);
    await pending.forget(device);
    await pending.spill([rowOf(device, 7)], start);
    expect(await raw(device)).toEqual([]);
  });

  it('deletes also what the log accepted ahead of the clocks of nodes', async () => {
    const pending = new CassandraPendingStore(database);
    const device = someKey();
    const time = Date.now() + 400 * dayMs;
    const rows = [1, 2, 3].map((ko) => rowOf(device, ko, { time }));
    await pending.spill(rows, time);
    await pending.forgetOne(device, { lane, ko: 3, day: dayOf(time) });
    expect((await raw(device, dayOf(time))).map(({ bytes }) => bytes)).toEqual([40, 40, 0]);
    await pending.forgetUpTo(device, lane, 2);
    await pending.spill(rows, time);
    expect(await raw(device, dayOf(time))).toEqual([{ ko: 3, bytes: 0 }]);
    await pending.forget(device);
    await pending.spill(rows, time);
    expect(await raw(device, dayOf(time))).toEqual([]);
  });

  it('what a tombstone hid stays hidden when the tombstone is purged', async () => {
    const pending = new CassandraPendingStore(database);
    const device = someKey();
    await pending.spill([rowOf(device, 1), rowOf(device, 2)], start);
    await pending.forgetUpTo(device, lane, 2);
    // As a repeated spill would look after the purge: over the tombstone.
    const later = BigInt((dayOf(start) + 1) * dayMs) * 1_000n;
    await database.write(
      `INSERT INTO pending (device_id, day_bucket, kp, ko, envelope, accepted_at, expires_at)
       VALUES (?, ?, ?, ?, ?, ?, ?) USING TIMESTAMP ?`,
      [device, dayOf(start), lane, 2n, someBytes(9), start, start + longestPendingMs, later],
    );
    expect((await raw(device)).map(({ ko }) => ko)).toEqual([2]);
    expect(await offsets(pending, device)).toEqual([]);
  });

  it('a dispatcher that dies while it spills never makes a reader pass over what it did not write', async () => {
    const pending = new CassandraPendingStore(database);
    for (const [phase, text] of [
      ['before', 'INSERT INTO pending ('],
      ['after', 'INSERT INTO pending ('],
      ['before', 'INSERT INTO pending_days'],
      ['after', 'INSERT INTO pending_days'],
    ] as const) {
      const device = someKey();
      await pending.spill([rowOf(device, 1)], start);
      await using dying = await dyingNode(phase, text);
      expect((await refusalOf(dying.pending.spill([rowOf(device, 2)], start))) === undefined).toBe(false);
      // A reader that comes now acks all that it is told of.
      const last = (await pending.view(device)).spans[0]?.last ?? -1;
      const told = await pending.page({ device, lane, after: -1, upTo: last, limit: 10, now: start });
      expect(told.map(({ ko }) => ko)).toEqual(last >= 2 ? [1, 2] : [1]);
      await pending.forgetUpTo(device, lane, last);
      // The next dispatcher repeats it: it was acked, or it is found.
      await pending.spill([rowOf(device, 2)], start);
      expect(await offsets(pending, device)).toEqual(last >= 2 ? [] : [2]);
    }
  });

  it('nor when it dies between several of a lane, over midnight and back', async () => {
    const pending = new CassandraPendingStore(database);
    const midnight = (dayOf(start) + 1) * dayMs;
    for (let count = 1; count <= 4; count++) {
      const device = someKey();
      const times = [midnight - 1, midnight, midnight - 1, midnight - 1, midnight];
      const rows = times.map((time, ko) => rowOf(device, ko, { time }));
      await using dying = await dyingNode('before', 'INSERT INTO pending_days', count);
      expect((await refusalOf(dying.pending.spill(rows.toReversed(), start))) === undefined).toBe(false);
      const last = (await pending.view(device)).spans[0]?.last ?? -1;
      expect(last).toBe([-1, 0, 1, 3][count - 1]);
      const told = await pending.page({ device, lane, after: -1, upTo: last, limit: 10, now: start });
      expect(told.map(({ ko }) => ko)).toEqual(rows.map(({ ko }) => ko).filter((ko) => ko <= last));
      await pending.forgetUpTo(device, lane, last);
      await pending.spill(rows, start);
      expect(await offsets(pending, device)).toEqual(rows.map(({ ko }) => ko).filter((ko) => ko > last));
    }
  });

  it('a node that dies while it deletes leaves nothing that is given, and the next delete finishes it', async () => {
    const pending = new CassandraPendingStore(database);
    for (const [phase, text] of [
      ['before', 'INSERT INTO cursors'],
      ['after', 'INSERT INTO cursors'],
      ['before', 'DELETE FROM pending '],
      ['after', 'DELETE FROM pending '],
      ['before', 'DELETE FROM pending_days'],
      ['after', 'DELETE FROM pending_days'],
    ] as const) {
      const device = someKey();
      await pending.spill([rowOf(device, 1), rowOf(device, 2), rowOf(device, 3, { time: start + dayMs })], start);
      await using dying = await dyingNode(phase, text);
      expect((await refusalOf(dying.pending.forgetUpTo(device, lane, 3))) === undefined).toBe(false);
      const moved = (await pending.view(device)).cursors.length === 1;
      expect(moved).toBe(phase === 'after' || text.startsWith('DELETE'));
      expect(await offsets(pending, device)).toEqual(moved ? [] : [1, 2, 3]);
      await pending.forgetUpTo(device, lane, 3);
      expect(await pending.view(device)).toEqual({ cursors: [{ lane, ko: 3 }], spans: [] });
      expect([...(await raw(device)), ...(await raw(device, dayOf(start) + 1))]).toEqual([]);
    }
  });

  it('a node that dies while it forgets a device leaves nothing that is given, or all', async () => {
    const pending = new CassandraPendingStore(database);
    for (const text of ['INSERT INTO cursors', 'DELETE FROM pending ', 'DELETE FROM pending_days']) {
      const device = someKey();
      await pending.spill([rowOf(device, 1), rowOf(device, 2)], start);
      await using dying = await dyingNode('before', text);
      expect((await refusalOf(dying.pending.forget(device))) === undefined).toBe(false);
      expect(await offsets(pending, device)).toEqual(text.startsWith('INSERT') ? [1, 2] : []);
      await pending.forget(device);
      expect(await raw(device)).toEqual([]);
    }
  });

  it('two nodes that delete while two dispatchers spill: all that is above the cursor is left', async () => {
    const sessions = await Promise.all([keyspace.open(), keyspace.open(), keyspace.open()]);
    const [one, two, three] = sessions.map((session) => new CassandraPendingStore(session));
    if (one === undefined || two === undefined || three === undefined) throw new Error('three nodes');
    const device = someKey();
    const rows = Array.from({ length: 300 }, (_, ko) =>
      rowOf(device, ko, { time: start + Math.floor(ko / 60) * dayMs }),
    );
    await one.spill(rows.slice(0, 100), start);
    await Promise.all([
      one.spill(rows.slice(100), start),
      // A dispatcher that woke up late repeats what it had.
      two.spill(rows.slice(0, 200), start),
      ...[99, 40, 70, 10].map((upTo) => three.forgetUpTo(device, lane, upTo)),
      ...[20, 99, 55].map((upTo) => two.forgetUpTo(device, lane, upTo)),
      ...rows.slice(150, 170).map(({ ko, time }) => three.forgetOne(device, { lane, ko, day: dayOf(time) })),
    ]);
    const left = rows.map(({ ko }) => ko).filter((ko) => ko > 99 && (ko < 150 || ko >= 170));
    for (const node of [one, two, three]) expect(await offsets(node, device)).toEqual(left);
    expect((await two.view(device)).cursors).toEqual([{ lane, ko: 99 }]);
    for (const session of sessions) await session.close();
  });

  it('rows end by themselves, a little after their mail, and what is said about it later', async () => {
    const pending = new CassandraPendingStore(database);
    const device = someKey();
    await pending.spill([rowOf(device, 1, { expiresAt: start + 90_500 }), rowOf(device, 2)], start);
    await pending.forgetOne(device, { lane, ko: 2, day: dayOf(start) });
    await pending.forgetUpTo(device, lane, 0);
    const [first, second] = await database.rows<{ ends: number; acked: number | null; written: bigint }>(
      `SELECT TTL(envelope) AS ends, TTL(acked) AS acked, WRITETIME(envelope) AS written FROM pending
       WHERE device_id = ? AND day_bucket = ?`,
      [device, dayOf(start)],
    );
    const isNear = (seconds: number | null | undefined, expected: number) =>
      seconds !== null && seconds !== undefined && seconds <= expected && seconds > expected - 30;
    expect(isNear(first?.ends, 151)).toBe(true);
    expect(Number(first?.written)).toBe(start * 1_000);
    expect(isNear(second?.acked, 32 * 86_400)).toBe(true);
    const cursor = await database.row<{ ends: number; written: bigint }>(
      'SELECT TTL(ko) AS ends, WRITETIME(ko) AS written FROM cursors WHERE device_id = ?',
      [device],
    );
    expect([isNear(cursor?.ends, 32 * 86_400), Number(cursor?.written)]).toEqual([true, 1]);
    const top = await database.row<{ ends: number }>(
      'SELECT TTL(top) AS ends FROM pending_days WHERE device_id = ? LIMIT 1',
      [device],
    );
    expect(isNear(top?.ends, 32 * 86_400)).toBe(true);
    expect(await refusalOf(pending.spill([rowOf(device, 3, { expiresAt: start + longestPendingMs + 1 })], start))).toBe(
      'internal',
    );
    expect(await offsets(pending, device)).toEqual([1]);
  });

  it('files of `pending` are sorted into windows of a day', async () => {
    const table = await database.row<{ compaction: Map<string, string>; gc_grace_seconds: number }>(
      'SELECT compaction, gc_grace_seconds FROM system_schema.tables WHERE keyspace_name = ? AND table_name = ?',
      [keyspace.options.keyspace, 'pending'],
    );
    expect(table?.compaction.get('class')).toMatch(/TimeWindowCompactionStrategy$/);
    expect([table?.compaction.get('compaction_window_unit'), table?.gc_grace_seconds]).toEqual(['DAYS', 86_400]);
  });
});
