import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
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

it('makes its files for their owner alone', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sotto-store-'));
  const { store, opening } = await betterSqlite3(join(folder, 'client.db')).open();
  await store.commit(
    [{ type: 'put', kind: 'cursor', record: { name: 'a', changeSeq: 1, usedAt: 0, expired: false } }],
    opening.ownerEpoch,
  );
  const modes = readdirSync(folder).map((name) => [name, (statSync(join(folder, name)).mode & 0o777).toString(8)]);
  expect(modes.map(([name]) => name)).toEqual(expect.arrayContaining(['client.db', 'client.db-wal', 'client.db-lock']));
  expect(new Set(modes.map(([, mode]) => mode))).toEqual(new Set(['600']));
  await store.close();
  rmSync(folder, { recursive: true });
});
