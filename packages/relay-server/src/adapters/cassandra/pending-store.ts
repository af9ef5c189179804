import { dayMs, dayOf } from '../../platform/utc-day.ts';
import type { DeviceKey, LaneId } from '../../ports/ids.ts';
import {
  longestPendingMs,
  type PendingMail,
  type PendingPage,
  type PendingPlace,
  type PendingRow,
  type PendingSpan,
  type PendingStore,
  type PendingView,
} from '../../ports/pending-store.ts';
import { RelayError } from '../../relay-error.ts';
import type { CassandraDatabase, CqlRow } from './cassandra-database.ts';

/** How many statements of one call are under way at once. */
const atOnce = 64;

/** Longer than any mail that a cursor or a day is about may still come, by a day for clocks that are apart: seconds. */
const keptSeconds = (longestPendingMs + 2 * dayMs) / 1_000;

/** A row lives a little longer than its mail, of which the reader decides. */
const marginSeconds = 60;

const insert = `INSERT INTO pending (device_id, day_bucket, kp, ko, envelope, accepted_at, expires_at)
  VALUES (?, ?, ?, ?, ?, ?, ?) USING TIMESTAMP ? AND TTL ?`;
const insertDay =
  'INSERT INTO pending_days (device_id, kp, day_bucket, top) VALUES (?, ?, ?, ?) USING TIMESTAMP ? AND TTL ?';
const deleteDay = 'DELETE FROM pending_days USING TIMESTAMP ? WHERE device_id = ? AND kp = ? AND day_bucket = ?';
const markAcked = `INSERT INTO pending (device_id, day_bucket, kp, ko, envelope, acked)
  VALUES (?, ?, ?, ?, ?, true) USING TIMESTAMP ? AND TTL ?`;
const deleteRange =
  'DELETE FROM pending USING TIMESTAMP ? WHERE device_id = ? AND day_bucket = ? AND kp = ? AND ko <= ?';
const deleteDays = 'DELETE FROM pending_days USING TIMESTAMP ? WHERE device_id = ?';
const deleteBucket = 'DELETE FROM pending USING TIMESTAMP ? WHERE device_id = ? AND day_bucket = ?';
const moveCursor = 'INSERT INTO cursors (device_id, kp, ko) VALUES (?, ?, ?) USING TIMESTAMP ? AND TTL ?';
const selectCursors = 'SELECT kp, ko FROM cursors WHERE device_id = ?';
const selectCursor = 'SELECT kp, ko FROM cursors WHERE device_id = ? AND kp IN (?, ?)';
const selectDays = 'SELECT kp, day_bucket, top FROM pending_days WHERE device_id = ?';
const selectDaysOf = 'SELECT kp, day_bucket, top FROM pending_days WHERE device_id = ? AND kp = ?';
const selectRows = `SELECT ko, envelope, accepted_at, expires_at, acked FROM pending
  WHERE device_id = ? AND day_bucket = ? AND kp = ? AND ko > ? AND ko <= ? LIMIT ?`;

/** Stands for all lanes of a device that is forgotten: no lane has this name. */
const noLane = '' as LaneId;

/** Of one lane: a day on which something was spilled, and up to which offset. */
interface LaneDay {
  readonly lane: LaneId;
  readonly day: number;
  readonly top: number;
}

interface Known {
  readonly isForgotten: boolean;
  readonly cursors: ReadonlyMap<LaneId, number>;
  readonly days: readonly LaneDay[];
}

interface Row extends CqlRow {
  readonly ko: bigint;
  readonly envelope: Buffer | null;
  readonly accepted_at: Date | null;
  readonly expires_at: Date | null;
  readonly acked: boolean | null;
}

/**
 * Spilled mail in Cassandra, so that no clock of any node decides what is left.
 *
 * **Timestamps.** A cursor, and the top of a day, are written with their offset for a timestamp: the greatest wins, whoever writes last. A row has its record's time, so that a repeated spill is the same write. An ack by itself overwrites the row with an empty one that says `acked`, one microsecond before the last of the row's day; a range delete has the last one, and so wins over spills and acks of that day, also over those that come later. It is bounded by the cursor, and a partition is deleted whole for a forgotten device alone.
 * **The truth** of what is acked is the cursor, and the rows above it that say `acked`; deletes only clean up, so that a tombstone which was purged brings nothing back. Rows and cursors go by their TTL.
 * **Order of steps.** `spill`: rows, then the tops of their days, those of a lane one after the other: a top that is there says that its row is, and that whatever is below it can be found. A crash in between leaves rows that no reader finds, and a spill that did not resolve, so its dispatcher or the next one repeats it. `forgetUpTo`: cursor, then ranges, then tops that are covered: a crash in between leaves bytes that are never given, and a day that the next call finds; both go by their TTL otherwise. `forget`: the mark, then the partitions, then their days: likewise.
 */
export class CassandraPendingStore implements PendingStore {
  readonly #database: CassandraDatabase;

  constructor(database: CassandraDatabase) {
    this.#database = database;
  }

  async spill(rows: readonly PendingRow[], now: number): Promise<void> {
    const alive = rows.filter(({ expiresAt }) => now < expiresAt);
    for (const row of alive) checkRow(row);
    await inTurns(alive, ({ device, lane, ko, envelope, time, expiresAt }) => {
      const ttl = Math.ceil((expiresAt - now) / 1_000) + marginSeconds;
      const values = [device, dayOf(time), lane, BigInt(ko), envelope, time, expiresAt, spilledStamp(time), ttl];
      return this.#database.write(insert, values);
    });
    await inTurns(topsByLane(alive), async (tops) => {
      for (const { device, lane, ko, time } of tops) {
        const values = [device, lane, dayOf(time), BigInt(ko), offsetStamp(ko), keptSeconds];
        await this.#database.write(insertDay, values);
      }
    });
  }

  async view(device: DeviceKey): Promise<PendingView> {
    const { isForgotten, cursors, days } = await this.#known(device);
    if (isForgotten) return { cursors: [], spans: [] };
    return { cursors: [...cursors].map(([lane, ko]) => ({ lane, ko })), spans: spansOf(days, cursors) };
  }

  async page({ device, lane, after, upTo, limit, now }: PendingPage): Promise<readonly PendingMail[]> {
    const { isForgotten, cursors, days } = await this.#known(device, lane);
    const mail: PendingMail[] = [];
    if (isForgotten || limit <= 0) return mail;
    let from = Math.max(after, cursors.get(lane) ?? -1);
    for (;;) {
      const here = days.filter(({ top }) => top > from);
      const found = await Promise.all(
        here.map(({ day }) =>
          this.#database.rows<Row>(selectRows, [device, day, lane, BigInt(from), BigInt(upTo), limit]),
        ),
      );
      // Each day gave its lowest: the lowest of all are among them, and nothing between them is missing.
      const lowest = found
        .flat()
        .sort((one, other) => Number(one.ko - other.ko))
        .slice(0, limit);
      const last = lowest.at(-1);
      if (last === undefined) return mail;
      for (const row of lowest) {
        if (isGiven(row, now)) mail.push(mailOf(row));
        if (mail.length === limit) return mail;
      }
      from = Number(last.ko);
    }
  }

  async forgetUpTo(device: DeviceKey, lane: LaneId, upTo: number): Promise<void> {
    await this.#moveCursor(device, lane, upTo);
    const { days } = await this.#known(device, lane);
    const covered = days.filter(({ top }) => top <= upTo);
    // Offsets go on with the days: later ones begin above it. Where the log's clock went back over midnight, what is left there goes when its day is covered.
    const reached = days.find(({ top }) => top > upTo);
    await inTurns(reached === undefined ? covered : [...covered, reached], async ({ day, top }) => {
      await this.#database.write(deleteRange, [deletedStamp(day), device, day, lane, BigInt(upTo)]);
      // By the top that was read: a higher one that is written meanwhile stays.
      if (top <= upTo) await this.#database.write(deleteDay, [offsetStamp(top), device, lane, day]);
    });
  }

  async forgetOne(device: DeviceKey, { lane, ko, day }: PendingPlace): Promise<void> {
    const empty = new Uint8Array();
    await this.#database.write(markAcked, [device, day, lane, BigInt(ko), empty, ackedStamp(day), keptSeconds]);
  }

  async forget(device: DeviceKey): Promise<void> {
    await this.#moveCursor(device, noLane, 0);
    const { days } = await this.#known(device);
    await inTurns([...new Set(days.map(({ day }) => day))], (day) =>
      this.#database.write(deleteBucket, [deletedStamp(day), device, day]),
    );
    await this.#database.write(deleteDays, [offsetStamp(Number.MAX_SAFE_INTEGER), device]);
  }

  #moveCursor(device: DeviceKey, lane: LaneId, ko: number): Promise<void> {
    return this.#database.write(moveCursor, [device, lane, BigInt(ko), offsetStamp(ko), keptSeconds]);
  }

  /** Of one lane, or of all. */
  async #known(device: DeviceKey, lane?: LaneId): Promise<Known> {
    const [cursorsOf, daysOf] =
      lane === undefined
        ? [this.#select(selectCursors, device), this.#select(selectDays, device)]
        : [this.#select(selectCursor, device, noLane, lane), this.#select(selectDaysOf, device, lane)];
    const [cursorRows, dayRows] = await Promise.all([cursorsOf, daysOf]);
    const cursors = new Map(cursorRows.map(({ kp, ko }) => [kp as LaneId, Number(ko)] as const));
    return {
      isForgotten: cursors.delete(noLane),
      cursors,
      days: dayRows.map(({ kp, day_bucket, top }) => ({
        lane: kp as LaneId,
        day: Number(day_bucket),
        top: Number(top),
      })),
    };
  }

  #select(cql: string, ...values: readonly string[]): Promise<CqlRow[]> {
    return this.#database.rows(cql, values);
  }
}

/** Of each lane of each device the rows whose day has to be told, in their order: so when it is told that something lies up to an offset, every day below it is told as well. */
function topsByLane(rows: readonly PendingRow[]): PendingRow[][] {
  const lanes = new Map<string, PendingRow[]>();
  for (const row of rows.toSorted((one, other) => one.ko - other.ko)) {
    const name = JSON.stringify([row.device, row.lane]);
    const tops = lanes.get(name) ?? [];
    lanes.set(name, tops);
    const last = tops.at(-1);
    if (last !== undefined && dayOf(last.time) === dayOf(row.time)) tops.pop();
    tops.push(row);
  }
  return [...lanes.values()];
}

/** Days come by lane and day. A day that is covered by the cursor was not cleaned up; of the others nothing is at or below the cursor that counts. */
function spansOf(days: readonly LaneDay[], cursors: ReadonlyMap<LaneId, number>): PendingSpan[] {
  const spans = new Map<LaneId, PendingSpan>();
  for (const { lane, day, top } of days) {
    const cursor = cursors.get(lane) ?? -1;
    const first = top <= cursor ? 0 : cursor + 1;
    const span = spans.get(lane) ?? { lane, first, last: top, days: [] };
    spans.set(lane, {
      lane,
      first: Math.min(span.first, first),
      last: Math.max(span.last, top),
      days: [...span.days, day],
    });
  }
  return [...spans.values()];
}

function isGiven({ acked, envelope, expires_at }: Row, now: number): boolean {
  return acked !== true && envelope !== null && expires_at !== null && now < expires_at.getTime();
}

function mailOf({ ko, envelope, accepted_at, expires_at }: Row): PendingMail {
  return {
    ko: Number(ko),
    time: accepted_at?.getTime() ?? 0,
    expiresAt: expires_at?.getTime() ?? 0,
    envelope: envelope ?? new Uint8Array(),
  };
}

/** Everything lives within the TTL of what is said about it, or it could come back. */
function checkRow({ time, expiresAt }: PendingRow): void {
  if (expiresAt - time <= longestPendingMs) return;
  throw new RelayError('internal', 'mail was to be kept for longer than 30 days: nothing of it was stored');
}

/** Microseconds, as of all rows of `pending`: so its files are sorted into windows by the time of the mail. */
function spilledStamp(time: number): bigint {
  return BigInt(time) * 1_000n;
}

function deletedStamp(day: number): bigint {
  return BigInt((day + 1) * dayMs) * 1_000n - 1n;
}

function ackedStamp(day: number): bigint {
  return deletedStamp(day) - 1n;
}

/** Above 0, which is no timestamp to everybody. */
function offsetStamp(ko: number): bigint {
  return BigInt(ko) + 1n;
}

/** Does all of it, so many at once; after the first that fails no other is begun, and it fails when those under way have ended. */
async function inTurns<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  let next = 0;
  const worker = async () => {
    while (next < items.length) {
      const item = items[next++] as T;
      try {
        await work(item);
      } catch (error) {
        next = items.length;
        throw error;
      }
    }
  };
  const workers = Array.from({ length: Math.min(atOnce, items.length) }, worker);
  const failed = (await Promise.allSettled(workers)).find((outcome) => outcome.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}
