import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { StoreHarness } from '@sotto/sdk/conformance';
import type { StoreOpener } from '@sotto/sdk/ports';
import type { SqlDriver, SqlDriverOpener } from '../src/driver/sql-driver.ts';
import { sqlStore } from '../src/sql/sql-store.ts';

/** A store on a SQLite file of its own, whose disk can be filled. */
export function sqliteHarness(of: {
  /** The driver under the store. */
  readonly driver: (path: string) => SqlDriverOpener;
  /** The store as users open it. */
  readonly store: (path: string) => StoreOpener;
}): StoreHarness {
  const folder = mkdtempSync(join(tmpdir(), 'sotto-store-'));
  const path = join(folder, 'client.db');
  let latest: SqlDriver | undefined;
  return {
    // What `store` opens, with the driver at hand.
    opener: sqlStore({
      open: async () => {
        latest = await of.driver(path).open();
        return latest;
      },
    }),
    secondOpener: of.store(path),
    breakLock: async () => rmSync(`${path}-lock`),
    disk: {
      // SQLite's own limit: it fails with SQLITE_FULL, as on a full disk.
      fill: async () => {
        await latest?.query('PRAGMA max_page_count = 1', []);
      },
      free: async () => {
        await latest?.query('PRAGMA max_page_count = 1000000', []);
      },
    },
    dispose: async () => rmSync(folder, { recursive: true }),
  };
}
