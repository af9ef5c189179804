import { randomUUID } from 'node:crypto';
import { createClient } from 'redis';
import type { Harness, HarnessMaker } from '../../conformance/harness.ts';
import { settableClock } from '../../conformance/settable-clock.ts';
import { systemRandomness } from '../../platform/system-randomness.ts';
import { RedisDatabase } from './redis-database.ts';
import { type RedisStores, redisStores } from './redis-stores.ts';

const noFiles = "Redis keeps what it has in memory and in files of its own, which are not the adapter's to read";

/** The Redis adapters under test, under a prefix of their own that is removed afterwards. */
export function redisHarness(url: string): HarnessMaker<RedisStores> {
  return {
    missing: { files: noFiles },
    async open(): Promise<Harness<RedisStores>> {
      const clock = settableClock();
      const options = { url, prefix: `test-${randomUUID()}`, commandTimeoutMs: 20_000, onTrouble: () => undefined };
      let database = await RedisDatabase.open(options);
      let stores = redisStores(database, clock, systemRandomness);
      return {
        get stores() {
          return stores;
        },
        clock,
        async reopen() {
          await database.close();
          database = await RedisDatabase.open(options);
          stores = redisStores(database, clock, systemRandomness);
        },
        files: () => Promise.reject(new Error(noFiles)),
        async close() {
          await database.close();
          await removeKeys(url, options.prefix);
        },
      };
    },
  };
}

/** Removes the keys of one prefix, and no others. */
export async function removeKeys(url: string, prefix: string): Promise<void> {
  const client = createClient({ url });
  await client.connect();
  try {
    for await (const keys of client.scanIterator({ MATCH: `${prefix}:*`, COUNT: 1_000 })) {
      if (keys.length > 0) await client.unlink(keys);
    }
  } finally {
    await client.close();
  }
}
