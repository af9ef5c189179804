import { execFileSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import {
  chmodSync,
  closeSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Change } from '@sotto/sdk/ports';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { betterSqlite3 } from './better-sqlite3.ts';

let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sotto-faults-'));
  path = join(folder, 'client.db');
});
afterEach(() => rmSync(folder, { recursive: true }));

const hash = (file: string) => createHash('sha256').update(readFileSync(file)).digest('hex');
const cursor = (name: string): Change => ({
  type: 'put',
  kind: 'cursor',
  record: { name, changeSeq: 1, usedAt: 0, expired: false },
});
const held = (number: number, size: number): Change => ({
  type: 'put',
  kind: 'held',
  record: {
    digest: Uint8Array.of(number >> 8, number & 255),
    envelope: new Uint8Array(randomBytes(size)),
    reason: 'no-session',
    heldAt: number,
    arrival: number,
    retries: 0,
    sender: undefined,
    messageId: undefined,
    groupId: undefined,
    mendable: true,
    requests: 0,
    requestAt: undefined,
  },
});

/** A store of some hundred kilobytes. */
async function fillStore(): Promise<void> {
  const { store, opening } = await betterSqlite3(path).open();
  await store.commit(
    Array.from({ length: 200 }, (_, number) => held(number, 1_500)),
    opening.ownerEpoch,
  );
  await store.close();
}

/** The opening fails with this code, leaves the file as it is, and lets go of the lock. */
async function expectRefused(code: string): Promise<void> {
  const before = hash(path);
  for (let turn = 0; turn < 2; turn += 1) {
    await expect(betterSqlite3(path).open()).rejects.toMatchObject({ name: 'SottoError', code, retryable: false });
  }
  expect(hash(path)).toBe(before);
}

function overwrite(offset: number, bytes: Uint8Array): void {
  const file = openSync(path, 'r+');
  writeSync(file, bytes, 0, bytes.length, offset);
  closeSync(file);
}

describe('a damaged database is told as store-corrupt and left as it is', () => {
  it.each([
    ['random bytes', randomBytes(20_000)],
    ['text', Buffer.from('This is no database.\n'.repeat(500))],
    ['a few bytes', Buffer.from('abc')],
    ['a header and nothing else', Buffer.from('SQLite format 3\0')],
  ])('%s', async (_, bytes) => {
    writeFileSync(path, bytes);
    await expectRefused('store-corrupt');
  });

  it.each([0.999, 0.9, 0.5, 0.02])('cut to %f of its length', async (part) => {
    await fillStore();
    truncateSync(path, Math.floor(statSync(path).size * part));
    await expectRefused('store-corrupt');
  });

  it.each(['owner', 'held', 'message', 'message_words_data', 'sqlite_schema'])(
    'a page of garbage in %s',
    async (table) => {
      await fillStore();
      const database = new Database(path, { readonly: true });
      const root = database
        .prepare<[string], { rootpage: number }>('SELECT rootpage FROM sqlite_schema WHERE name = ?')
        .get(table);
      database.close();
      // The first page begins with the file's header.
      if (root === undefined) overwrite(100, randomBytes(3_900));
      else overwrite((root.rootpage - 1) * 4_096, randomBytes(4_096));
      await expectRefused('store-corrupt');
    },
  );

  it('a page of garbage, with a log of a crashed process beside it', async () => {
    const { store, opening } = await betterSqlite3(path).open();
    await store.commit(
      Array.from({ length: 200 }, (_, number) => held(number, 1_500)),
      opening.ownerEpoch,
    );
    const crashed = join(folder, 'crashed.db');
    await store.close();
    const again = await betterSqlite3(path).open();
    await again.store.commit([cursor('in the log')], again.opening.ownerEpoch);
    copyFileSync(path, crashed);
    copyFileSync(`${path}-wal`, `${crashed}-wal`);
    await again.store.close();

    path = crashed;
    overwrite(statSync(path).size - 3 * 4_096, randomBytes(3 * 4_096));
    const log = hash(`${path}-wal`);
    await expectRefused('store-corrupt');
    expect(hash(`${path}-wal`)).toBe(log);
  });

  it('a database of something else', async () => {
    const database = new Database(path);
    database.exec('CREATE TABLE recipe (id INTEGER)');
    database.close();
    await expectRefused('store-corrupt');
  });
});

describe('an opening that is refused', () => {
  it('a store of a later version is told as store-newer and left as it is', async () => {
    await fillStore();
    const database = new Database(path);
    database.exec('UPDATE schema_version SET version = 99');
    database.close();
    await expectRefused('store-newer');
  });

  it('a path that leads nowhere is told as store-unavailable', async () => {
    const places = [join(folder, 'missing', 'client.db'), folder, '/proc/client.db'];
    for (const place of places) {
      await expect(betterSqlite3(place).open()).rejects.toMatchObject({ code: 'store-unavailable', retryable: true });
    }
    expect(existsSync(`${folder}-lock`)).toBe(false);
    mkdirSync(join(folder, 'missing'));
    const { store } = await betterSqlite3(join(folder, 'missing', 'client.db')).open();
    await store.close();
  });

  it.each(['', ':memory:'])('the path "%s" is told at once', (name) => {
    expect(() => betterSqlite3(name)).toThrow(expect.objectContaining({ code: 'argument-invalid' }));
  });

  it('a link to an open store is told as store-locked', async () => {
    const { store } = await betterSqlite3(path).open();
    symlinkSync(path, join(folder, 'link.db'));
    await expect(betterSqlite3(join(folder, 'link.db')).open()).rejects.toMatchObject({ code: 'store-locked' });
    await store.close();
    const again = await betterSqlite3(join(folder, 'link.db')).open();
    await again.store.close();
  });

  it.each(['file', 'folder'])(
    'a read-only %s is told as store-unavailable, and works once it may be written',
    async (what) => {
      await fillStore();
      // Root may write everywhere: for the time of the test, this process is nobody.
      const root = process.geteuid?.() === 0;
      chmodSync(folder, what === 'folder' ? 0o555 : 0o777);
      for (const name of readdirSync(folder)) chmodSync(join(folder, name), what === 'file' ? 0o444 : 0o666);
      if (root) process.seteuid?.(65_534);
      try {
        await expect(betterSqlite3(path).open()).rejects.toMatchObject({ code: 'store-unavailable', retryable: true });
      } finally {
        if (root) process.seteuid?.(0);
      }
      chmodSync(folder, 0o755);
      for (const name of readdirSync(folder)) chmodSync(join(folder, name), 0o644);
      const { store } = await betterSqlite3(path).open();
      expect(await store.held(1_000)).toHaveLength(200);
      await store.close();
    },
  );
});

it('a store below a folder that may not be entered is told as store-unavailable', async () => {
  await fillStore();
  const root = process.geteuid?.() === 0;
  chmodSync(folder, 0o000);
  if (root) process.seteuid?.(65_534);
  try {
    await expect(betterSqlite3(path).open()).rejects.toMatchObject({ code: 'store-unavailable', retryable: true });
  } finally {
    if (root) process.seteuid?.(0);
    chmodSync(folder, 0o755);
  }
  const { store } = await betterSqlite3(path).open();
  expect(await store.held(1_000)).toHaveLength(200);
  await store.close();
});

describe('an open store', () => {
  it('an empty file, as a crash at the first opening leaves it, is a new store', async () => {
    writeFileSync(path, '');
    const { store, opening } = await betterSqlite3(path).open();
    expect(opening.ownerEpoch).toBe(1);
    await store.close();
  });

  it('waits out, then tells, another program that writes; and works when that one is done', async () => {
    const { store, opening } = await betterSqlite3(path).open();
    const other = new Database(path);
    other.exec('BEGIN IMMEDIATE');
    await expect(store.commit([cursor('a')], opening.ownerEpoch)).rejects.toMatchObject({
      code: 'store-unavailable',
      retryable: true,
    });
    expect(await store.get('cursor', { name: 'a' })).toBe(undefined);
    other.exec('ROLLBACK');
    other.close();
    await store.commit([cursor('a')], opening.ownerEpoch);
    expect(await store.get('cursor', { name: 'a' })).toEqual({ name: 'a', changeSeq: 1, usedAt: 0, expired: false });
    await store.close();
  });

  it('leaves the database and the free lock behind, nothing else', async () => {
    await fillStore();
    expect(readdirSync(folder).sort()).toEqual(['client.db', 'client.db-lock']);
    expect(statSync(`${path}-lock`).size).toBe(0);
    if (existsSync('/proc/self/fd')) {
      expect(execFileSync('ls', ['-l', `/proc/${process.pid}/fd`], { encoding: 'utf8' })).not.toContain(folder);
    }
  });

  it('on a disk that is really full: nothing half-written, and usable once there is room', async ({ skip }) => {
    const disk = join(folder, 'disk');
    mkdirSync(disk);
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'sotto', disk], { stdio: 'pipe' });
    } catch (error) {
      skip(`this user can't mount a small disk: ${error}`);
    }
    try {
      path = join(disk, 'client.db');
      const { store, opening } = await betterSqlite3(path).open();
      let stored = 0;
      for (; stored < 1_000; stored += 1) {
        const failed = await store.commit([held(stored, 20_000)], opening.ownerEpoch).then(
          () => undefined,
          (error: unknown) => error,
        );
        if (failed === undefined) continue;
        expect(failed).toMatchObject({ code: 'store-unavailable', retryable: true });
        break;
      }
      expect(stored).toBeGreaterThan(3);
      expect(await store.held(1_000)).toHaveLength(stored);
      execFileSync('mount', ['-o', 'remount,size=64m', disk], { stdio: 'pipe' });
      await store.commit([held(stored, 20_000), cursor('room')], opening.ownerEpoch);
      expect(await store.held(1_000)).toHaveLength(stored + 1);
      await store.close();
      const again = await betterSqlite3(path).open();
      expect(await again.store.held(1_000)).toHaveLength(stored + 1);
      await again.store.close();
    } finally {
      execFileSync('umount', [disk]);
    }
  });
});
