import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { betterSqlite3Driver } from '../better-sqlite3/better-sqlite3-driver.ts';
import type { SqlDriver } from '../driver/sql-driver.ts';
import { migrate } from './migrate.ts';
import { migrations } from './migrations.ts';
import { takeOwnership } from './owner.ts';
import { SearchIndex } from './search-index.ts';

let folder: string;
let driver: SqlDriver;
let index: SearchIndex;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sotto-search-'));
  driver = await betterSqlite3Driver(join(folder, 'client.db')).open();
  await migrate(driver, migrations);
  await takeOwnership(driver);
  index = new SearchIndex(driver);
});
afterEach(async () => {
  await driver.close();
  rmSync(folder, { recursive: true });
});

const idOf = (number: number) => new Uint8Array(16).fill(number);
const insert = (number: number, text: string) => ({
  sql: `INSERT INTO message (id, sender_id, receiver_id, has_files, created_at, updated_at, text, nonce, chat_id, sender_device, seq,
    position, late, state) VALUES (?, ?, ?, 0, 1, 1, ?, ?, ?, 1, 1, 1, 0, 'received')`,
  params: [idOf(number), idOf(0), idOf(1), text, idOf(2), idOf(3)],
});
const remove = (number: number) => ({ sql: 'DELETE FROM message WHERE id = ?', params: [idOf(number)] });
const edit = (number: number, text: string) => ({
  sql: 'UPDATE message SET text = ?, updated_at = 2 WHERE id = ?',
  params: [text, idOf(number)],
});

async function found(table: 'message_words' | 'message_trigrams', query: string): Promise<readonly number[]> {
  const sql = `SELECT message.id FROM ${table} JOIN message ON message.document = ${table}.rowid WHERE ${table} MATCH ? ORDER BY 1`;
  return (await driver.query(sql, [query])).map(({ id }) => (id instanceof Uint8Array ? (id[0] ?? -1) : -1));
}

/** FTS5 compares the index with the texts: fails when they differ. */
async function assertConsistent(): Promise<void> {
  while ((await index.advance(2, 1)) > 0);
  await driver.commit(
    ['message_words', 'message_trigrams'].map((name) => ({
      sql: `INSERT INTO ${name} (${name}, rank) VALUES ('integrity-check', 1)`,
      params: [],
    })),
  );
}

describe('SearchIndex', () => {
  it('indexes in steps, and says when it has caught up', async () => {
    await driver.commit([insert(1, 'Grüße aus Köln'), insert(2, 'привет'), insert(3, 'hello there')]);
    expect(await found('message_words', 'hello')).toEqual([]);
    expect(await index.advance(2, 1)).toBe(2);
    expect(await index.advance(2, 1)).toBe(1);
    expect(await index.advance(2, 1)).toBe(0);
    expect(await found('message_words', 'koln')).toEqual([1]);
    expect(await found('message_words', 'при*')).toEqual([2]);
    expect(await found('message_trigrams', 'ell')).toEqual([3]);
    await assertConsistent();
  });

  it('follows changed and removed texts, indexed or not yet', async () => {
    await driver.commit([insert(1, 'first'), insert(2, 'second'), insert(3, 'third'), insert(4, 'fourth')]);
    await index.advance(2, 1);
    await driver.commit([edit(1, 'changed'), edit(3, 'changed too'), remove(2), remove(4)]);
    expect(await found('message_words', 'first OR second')).toEqual([]);
    expect(await found('message_words', 'changed')).toEqual([1]);
    await assertConsistent();
    expect(await found('message_words', 'changed')).toEqual([1, 3]);
    expect(await found('message_trigrams', 'anged')).toEqual([1, 3]);
  });

  it('misses no message that is given the number of a removed one', async () => {
    await driver.commit([insert(1, 'one'), insert(2, 'two')]);
    await index.advance(9, 1);
    await driver.commit([remove(2), remove(1), insert(3, 'three'), insert(4, 'four')]);
    await assertConsistent();
    expect(await found('message_words', 'three OR four')).toEqual([3, 4]);
  });

  it('does nothing for an owner of the past', async () => {
    await driver.commit([insert(1, 'one')]);
    await takeOwnership(driver);
    await expect(index.advance(9, 1)).rejects.toMatchObject({ code: 'store-fenced' });
    expect(await index.advance(9, 2)).toBe(1);
  });

  it('finds titles of groups at once', async () => {
    const params = [idOf(1), 'Книжный клуб', idOf(2)];
    await driver.commit([
      { sql: 'INSERT INTO "group" (id, title, admin_id, created_at, updated_at) VALUES (?, ?, ?, 1, 1)', params },
    ]);
    const search = (name: string, query: string) =>
      driver.query(`SELECT rowid FROM ${name} WHERE ${name} MATCH ?`, [query]);
    expect(await search('group_words', 'клуб')).toHaveLength(1);
    expect(await search('group_trigrams', 'ижн')).toHaveLength(1);
    await driver.commit([{ sql: 'UPDATE "group" SET title = ?', params: ['Chess'] }]);
    expect(await search('group_words', 'клуб')).toHaveLength(0);
    await driver.commit([{ sql: 'DELETE FROM "group"', params: [] }]);
    expect(await search('group_words', 'chess')).toHaveLength(0);
  });
});
