import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { storeConformance } from '@sotto/sdk/conformance';
import { describe, expect, it } from 'vitest';
import { sqliteHarness } from '../../test/sqlite-harness.ts';
import { betterSqlite3 } from './better-sqlite3.ts';
import { betterSqlite3Driver } from './better-sqlite3-driver.ts';

storeConformance({ describe, expect, it }, async () =>
  sqliteHarness({ driver: betterSqlite3Driver, store: betterSqlite3 }),
);

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
