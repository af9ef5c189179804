import { dayMs, dayOf } from '../../platform/utc-day.ts';
import type { UserId } from '../../ports/ids.ts';
import { type CassandraDatabase, writtenForEver } from './cassandra-database.ts';
import { type DueEntry, DueList } from './due-list.ts';

/** A device of an account, as it is listed now. */
export interface SeenDevice {
  readonly userId: UserId;
  readonly deviceId: number;
  readonly incarnation: string;
}

/** A device with the entry by which it was found. */
export interface SilentDevice extends SeenDevice {
  readonly entry: DueEntry;
}

const some = 1000;

/**
 * On which day devices were seen last, one partition an account: the latest day wins, whoever writes it last.
 *
 * Each day on which a device is seen has an entry in a list by days too, written first: so whoever was not seen since is found without a scan.
 */
export class DayRows {
  readonly #database: CassandraDatabase;
  readonly #seen: DueList;

  constructor(database: CassandraDatabase, realm: string) {
    this.#database = database;
    this.#seen = new DueList(database, realm, { name: 'seen', slotMs: dayMs, shards: 32 });
  }

  async see({ userId, deviceId, incarnation }: SeenDevice, daysKey: string, now: number): Promise<void> {
    const day = dayOf(now);
    await this.#seen.add({ at: day * dayMs, item: `${userId}.${deviceId}.${incarnation}` });
    await this.#database.write('INSERT INTO seen_day (days_key, incarnation, day) VALUES (?, ?, ?) USING TIMESTAMP ?', [
      daysKey,
      incarnation,
      day,
      BigInt(day) * BigInt(dayMs) * 1000n,
    ]);
  }

  /** The days of an account under a key that it has no more; those of one device that it lists no more. */
  async forget(daysKey: string, incarnation?: string): Promise<void> {
    if (incarnation === undefined) {
      await this.#database.write('DELETE FROM seen_day USING TIMESTAMP ? WHERE days_key = ?', [
        writtenForEver,
        daysKey,
      ]);
      return;
    }
    await this.#database.write('DELETE FROM seen_day USING TIMESTAMP ? WHERE days_key = ? AND incarnation = ?', [
      writtenForEver,
      daysKey,
      incarnation,
    ]);
  }

  /** Days by incarnation. */
  async of(daysKey: string): Promise<ReadonlyMap<string, number>> {
    const rows = await this.#database.rows<{ incarnation: unknown; day: number }>(
      'SELECT incarnation, day FROM seen_day WHERE days_key = ?',
      [daysKey],
    );
    return new Map(rows.map(({ incarnation, day }) => [String(incarnation), day]));
  }

  /** Devices that were seen on a day before this one: the oldest first, some of them. They may have been seen since. */
  async before(day: number): Promise<SilentDevice[]> {
    const entries = await this.#seen.before(day * dayMs, some);
    return entries.flatMap((entry) => {
      const [userId, deviceId, incarnation] = entry.item.split('.');
      if (userId === undefined || incarnation === undefined) return [];
      return [{ userId: userId as UserId, deviceId: Number(deviceId), incarnation, entry }];
    });
  }

  async done({ entry }: SilentDevice): Promise<void> {
    await this.#seen.remove(entry);
  }

  dropEmpty(day: number): Promise<void> {
    return this.#seen.dropEmpty(day * dayMs);
  }
}
