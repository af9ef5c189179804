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
