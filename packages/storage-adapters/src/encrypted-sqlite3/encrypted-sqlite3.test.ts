import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { storeConformance } from '@sotto/sdk/conformance';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sqliteHarness } from '../../test/sqlite-harness.ts';
import { betterSqlite3 } from '../better-sqlite3/better-sqlite3.ts';
import { sqlDriverConformance } from '../conformance/sql-driver.ts';
import { encryptedSqlite3 } from './encrypted-sqlite3.ts';
import { encryptedSqlite3Driver } from './encrypted-sqlite3-driver.ts';

const newFolder = () => mkdtempSync(join(tmpdir(), 'sotto-encrypted-'));

sqlDriverConformance({ describe, expect, it }, async () => {
  const folder = newFolder();
  return {
    opener: encryptedSqlite3Driver(join(folder, 'client.db'), { key: randomBytes(32) }),
    dispose: async () => rmSync(folder, { recursive: true }),
  };
});

storeConformance({ describe, expect, it }, async () => {
  const key = randomBytes(32);
  return sqliteHarness({
    driver: (path) => encryptedSqlite3Driver(path, { key }),
    store: (path) => encryptedSqlite3(path, { key }),
  });
});

describe('an encrypted store', () => {
  const canary = 'canary 7f3b: nobody reads this on the disk';
  let folder: string;
  let path: string;

  beforeEach(() => {
    folder = newFolder();
    path = join(folder, 'client.db');
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const files = () => readdirSync(folder).map((name) => ({ name, bytes: readFileSync(join(folder, name)) }));
  const clear = () => files().flatMap(({ name, bytes }) => (holdsCanary(bytes) ? [name] : []));
  const holdsCanary = (bytes: Buffer) =>
    bytes.includes(canary) || bytes.includes(Buffer.from(canary, 'utf16le')) || bytes.includes('SQLite format 3');

  async function write(opener: ReturnType<typeof betterSqlite3>, look: () => readonly string[]) {
    const { store, opening } = await opener.open();
    const record = { name: canary, changeSeq: 1, usedAt: 0, expired: false };
    await store.commit([{ type: 'put', kind: 'cursor', record }], opening.ownerEpoch);
    const whileOpen = look();
    await store.close();
    return [...whileOpen, ...look()];
  }

  it('leaves nothing readable in the database, its log and its index, open or closed [security: at-rest]', async () => {
    expect(await write(encryptedSqlite3(path, { key: randomBytes(32) }), clear)).toEqual([]);
    expect(files().map(({ name }) => name)).toContain('client.db');
  });

  it('writes no temporary file: SQLite would not encrypt it', async () => {
    const driver = await encryptedSqlite3Driver(path, { key: randomBytes(32) }).open();
    expect(await driver.query('PRAGMA temp_store', [])).toEqual([{ temp_store: 2 }]);
    await driver.close();
  });

  it('is told apart from one that is not encrypted, by the same look', async () => {
    expect(await write(betterSqlite3(path), clear)).toEqual(expect.arrayContaining(['client.db', 'client.db-wal']));
  });

  it('refuses another key, and leaves the file as it is [security: at-rest]', async () => {
    const key = randomBytes(32);
    await write(encryptedSqlite3(path, { key }), clear);
    const before = readFileSync(path);
    const wrong = Buffer.from(key);
    wrong[31] = (wrong[31] ?? 0) ^ 1;
    await expect(encryptedSqlite3(path, { key: wrong }).open()).rejects.toMatchObject({ code: 'store-key-wrong' });
    expect(readFileSync(path).equals(before)).toBe(true);
    const { store } = await encryptedSqlite3(path, { key }).open();
    expect(await store.get('cursor', { name: canary })).toEqual({
      name: canary,
      changeSeq: 1,
      usedAt: 0,
      expired: false,
    });
    await store.close();
  });

  it('refuses to open a plain store with a key, and an encrypted one without', async () => {
    await write(betterSqlite3(path), clear);
    await expect(encryptedSqlite3(path, { key: randomBytes(32) }).open()).rejects.toMatchObject({
      code: 'store-key-wrong',
    });
    const other = join(folder, 'other.db');
    await write(encryptedSqlite3(other, { key: randomBytes(32) }), clear);
    await expect(betterSqlite3(other).open()).rejects.toMatchObject({ code: 'store-corrupt' });
  });

  it.each([new Uint8Array(31), new Uint8Array(33), 'a passphrase', undefined])('refuses %o for a key', (key) => {
    expect(() => encryptedSqlite3(path, { key: key as Uint8Array })).toThrow(
      expect.objectContaining({ code: 'argument-invalid' }),
    );
  });

  it('notices a page that was changed on the disk [security: at-rest]', async () => {
    const key = randomBytes(32);
    await write(encryptedSqlite3(path, { key }), clear);
    const bytes = readFileSync(path);
    const middle = 4_096 * 3 + 100;
    bytes[middle] = (bytes[middle] ?? 0) ^ 0x40;
    writeFileSync(path, bytes);
    await expect(encryptedSqlite3(path, { key }).open()).rejects.toMatchObject({ code: 'store-corrupt' });
  });
});
