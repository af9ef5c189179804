import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { sqlDriverConformance } from '../conformance/sql-driver.ts';
import { betterSqlite3Driver } from './better-sqlite3-driver.ts';

sqlDriverConformance({ describe, expect, it }, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sotto-driver-'));
  return {
    opener: betterSqlite3Driver(join(folder, 'client.db')),
    dispose: async () => rmSync(folder, { recursive: true }),
  };
});

describe('betterSqlite3Driver', () => {
  it('keeps what SQLite would write into temporary files in memory', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sotto-driver-'));
    const driver = await betterSqlite3Driver(join(folder, 'client.db')).open();
    expect(await driver.query('PRAGMA temp_store', [])).toEqual([{ temp_store: 2 }]);
    await driver.close();
    rmSync(folder, { recursive: true });
  });
});
