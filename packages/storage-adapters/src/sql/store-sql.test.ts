import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { betterSqlite3Driver } from '../better-sqlite3/better-sqlite3-driver.ts';
import type { SqlDriver } from '../driver/sql-driver.ts';
import { migrate } from './migrate.ts';
import { migrations } from './migrations.ts';
import { storeSql } from './store-sql.ts';

let folder: string;
let driver: SqlDriver;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sotto-plan-'));
  driver = await betterSqlite3Driver(join(folder, 'client.db')).open();
  await migrate(driver, migrations);
});
afterAll(async () => {
  await driver.close();
  rmSync(folder, { recursive: true });
});

async function planOf(sql: string): Promise<readonly string[]> {
  const params = [...sql.matchAll(/\?/g)].map(() => 1);
  const rows = await driver.query(`EXPLAIN QUERY PLAN ${sql}`, params);
  return rows.map((row) => String(row.detail));
}

/** The whole of a table, in the order of an index, is what these ask for. */
const scans = new Set([
  'outboxChats',
  'slowestCursor',
  'heldUsage',
  'prekeys',
  'groupRequests',
  'groupsBehind',
  'groupIntents',
]);

describe('storeSql', () => {
  it.each(Object.entries(storeSql))('%s walks an index and sorts nothing', async (name, sql) => {
    const plan = await planOf(sql);
    expect(plan.length).toBeGreaterThan(0);
    for (const step of plan) {
      expect(step).not.toContain('TEMP B-TREE');
      expect(step).toMatch(scans.has(name) ? /^SCAN \w+ USING (COVERING )?INDEX/ : /^SEARCH/);
    }
  });

  it('uses the indexes that the study names', async () => {
    const named = {
      'SELECT * FROM message WHERE sender_id = ? AND receiver_id = ?': 'message_sender_receiver',
      'SELECT * FROM call_history WHERE caller_id = ? AND receiver_id = ?': 'call_history_caller_receiver',
      'SELECT * FROM user_group WHERE user_id = ?': 'user_group_user',
      'SELECT * FROM message_file WHERE file_id = ?': 'message_file_file',
    };
    for (const [sql, index] of Object.entries(named)) expect((await planOf(sql)).join()).toContain(`INDEX ${index} `);
  });
});
