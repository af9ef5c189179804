import type { CassandraDatabase } from './cassandra-database.ts';
import { PrekeyRows } from './prekey-rows.ts';

/** How many devices are gone through at once. */
const atOnce = 16;

/** How many one-time keys were marked as given away, and of how many devices. */
export interface RetiredPrekeys {
  readonly devices: number;
  readonly keys: number;
}

/**
 * Marks every one-time prekey as given away: for a keyspace that was restored from a backup, since which some of them were given out.
 *
 * May be interrupted and repeated, and may run while nodes serve. Signed and last-resort keys stay; clients upload new one-time keys when they connect.
 * @throws {RelayError} `store-unavailable`: repeat it
 */
export async function retirePrekeys(database: CassandraDatabase): Promise<RetiredPrekeys> {
  const rows = new PrekeyRows(database);
  const left = (await rows.incarnations()).values();
  let devices = 0;
  let keys = 0;
  const work = async () => {
    for (const incarnation of left) {
      const retired = await rows.retire(incarnation);
      keys += retired;
      if (retired > 0) devices++;
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return { devices, keys };
}
