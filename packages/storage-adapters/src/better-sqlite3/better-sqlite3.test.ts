import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type StoreHarness, storeConformance } from '@sotto/sdk/conformance';
import { describe, expect, it } from 'vitest';
import type { SqlDriver } from '../driver/sql-driver.ts';
import { sqlStore } from '../sql/sql-store.ts';
import { betterSqlite3 } from './better-sqlite3.ts';
import { betterSqlite3Driver } from './better-sqlite3-driver.ts';

async function makeHarness(): Promise<StoreHarness> {
  const folder = mkdtempSync(join(tmpdir(), 'sotto-store-'));
  const path = join(folder, 'client.db');
  let latest: SqlDriver | undefined;
  return {
    // What betterSqlite3(path) is, with the driver at hand.
    opener: sqlStore({
      open: async () => {
        latest = await betterSqlite3Driver(path).open();
        return latest;
      },
    }),
    secondOpener: betterSqlite3(path),
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

storeConformance({ describe, expect, it }, makeHarness);
