import {
  chmodSync,
  closeSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import SqliteDatabase from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { someAccount, someBytes } from '../../conformance/samples.ts';
import { settableClock } from '../../conformance/settable-clock.ts';
import { openEmbeddedStores } from './embedded-stores.ts';
import { schemaVersion } from './migrations.ts';
import { StoresFolder } from './stores-folder.ts';

describe('openEmbeddedStores', () => {
  let folder: StoresFolder;
  let file: string;

  beforeEach(() => {
    folder = new StoresFolder();
    ({ file } = folder);
  });

  afterEach(() => folder[Symbol.dispose]());

  const open = (path = folder.path) => openEmbeddedStores({ folder: path, clock: settableClock() });

  /** Some pages of accounts, closed, so that all of it is in the one file. */
  async function filled(): Promise<void> {
    const stores = await open();
    for (let count = 0; count < 20; count++) await stores.accounts.register(someAccount({ profile: someBytes(3000) }));
    await stores.mailbox.scrub();
    await stores.close();
  }

  function overwrite(at: number, bytes: Uint8Array): void {
    const handle = openSync(file, 'r+');
    writeSync(handle, bytes, 0, bytes.length, at);
    closeSync(handle);
  }

  async function expectRefused(code: string): Promise<void> {
    const before = readFileSync(file);
    await expect(open()).rejects.toMatchObject({ name: 'RelayError', code });
    expect(readFileSync(file).equals(before)).toBe(true);
    // A refusal lets go of the lock: the next try meets the same fault, not the lock.
    await expect(open()).rejects.toMatchObject({ code });
  }

  it('makes the folder, for its owner alone', async () => {
    const inner = join(folder.path, 'a', 'b');
    const stores = await open(inner);
    await stores.accounts.register(someAccount());
    const mode = (name: string) => statSync(join(inner, name)).mode & 0o777;
    expect([statSync(inner).mode & 0o777, mode('relay.db'), mode('relay.db-wal')]).toEqual([0o700, 0o600, 0o600]);
    await stores.close();
  });

  it('refuses a folder that is in use, and gives it up on close', async () => {
    const first = await open();
    await expect(open()).rejects.toMatchObject({ code: 'store-locked' });
    const account = someAccount();
    expect((await first.accounts.register(account)).status).toBe('registered');
    await first.close();
    await first.close();
    const second = await open();
    expect(await second.accounts.register(account)).toEqual({ status: 'repeated' });
    await second.close();
  });

  it('refuses a database of a newer relay and leaves it as it is', async () => {
    await filled();
    const database = new SqliteDatabase(file);
    database.pragma(`user_version = ${schemaVersion + 1}`);
    database.close();
    await expectRefused('store-newer');
  });

  it('refuses a file that is no database', async () => {
    writeFileSync(file, someBytes(20_000));
    await expectRefused('store-corrupt');
  });

  it("refuses another program's database", async () => {
    const database = new SqliteDatabase(file);
    database.exec('CREATE TABLE something (id INTEGER)');
    database.close();
    const before = readFileSync(file);
    await expect(open()).rejects.toMatchObject({ code: 'store-corrupt' });
    // Opening it in WAL mode changes two bytes of the header; what it holds stays.
    expect(readFileSync(file).length).toBe(before.length);
  });

  it('refuses a database with damaged pages, wherever they are', async () => {
    await filled();
    const whole = readFileSync(file);
    for (let at = 4096; at + 4096 <= whole.length; at += 4096 * 3) {
      writeFileSync(file, whole);
      overwrite(at, new Uint8Array(4096).fill(0xab));
      await expectRefused('store-corrupt');
    }
  });

  it('refuses a database that was cut short', async () => {
    await filled();
    truncateSync(file, Math.floor(statSync(file).size / 8192) * 4096);
    await expectRefused('store-corrupt');
  });

  it('refuses to start empty where only the log of a database is left', async () => {
    const stores = await open();
    await stores.accounts.register(someAccount());
    const log = readFileSync(`${file}-wal`);
    await stores.close();
    rmSync(file);
    writeFileSync(`${file}-wal`, log);
    await expect(open()).rejects.toMatchObject({ code: 'store-corrupt' });
    expect(readFileSync(`${file}-wal`).equals(log)).toBe(true);
  });

  it('says that the disk is unusable when the folder is a file', async () => {
    const path = join(folder.path, 'taken');
    writeFileSync(path, '');
    await expect(open(path)).rejects.toMatchObject({ code: 'store-unavailable', retryable: true });
    await expect(open(join(path, 'inner'))).rejects.toMatchObject({ code: 'store-unavailable', retryable: true });
  });

  it.skipIf(process.getuid?.() === 0)(
    'says that the disk is unusable when it may not write (skipped for root, whom file modes do not stop)',
    async () => {
      await filled();
      closeSync(openSync(file, 'r'));
      chmodSync(file, 0o400);
      await expect(open()).rejects.toMatchObject({ code: 'store-unavailable', retryable: true });
      chmodSync(file, 0o600);
    },
  );

  it('removes blobs that a crash left unfinished', async () => {
    await (await open()).close();
    const path = join(folder.path, 'blobs', 'unfinished', 'half');
    writeFileSync(path, someBytes(10));
    await (await open()).close();
    expect(() => statSync(path)).toThrow();
  });
});
