import { closeSync, existsSync, openSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { SottoError } from '@sotto/sdk/ports';
import Database from 'better-sqlite3';
import type { SqlDriver, SqlDriverOpener, SqlRow, SqlStatement, SqlValue } from '../driver/sql-driver.ts';
import { FileLock } from './file-lock.ts';
import { nativeFailure } from './native-failure.ts';

/** Opens a connection: how encrypted files differ from plain ones. `timeout` is in milliseconds. */
export type Connect = (
  path: string,
  options: { readonly readonly?: boolean; readonly timeout: number },
) => Database.Database;

const connectPlain: Connect = (path, options) => new Database(path, options);

/** Up to here (4 MiB, some tens of milliseconds) the whole file is checked when it is opened; damage in larger ones shows when it is read. */
const checkedPages = 1_024;

/** How long another program's transaction is waited for. The wait blocks the thread. */
const busyTimeoutMs = 200;

function withoutBuffers(row: Record<string, SqlValue>): SqlRow {
  for (const name in row) {
    const value = row[name];
    if (value instanceof Uint8Array) row[name] = new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
  }
  return row;
}

class BetterSqlite3Driver implements SqlDriver {
  readonly #database: Database.Database;
  readonly #lock: FileLock;
  readonly #prepared = new Map<string, Database.Statement<SqlValue[], Record<string, SqlValue>>>();
  #writable = false;
  #closed = false;

  constructor(database: Database.Database, lock: FileLock) {
    this.#database = database;
    this.#lock = lock;
  }

  async query(sql: string, params: readonly SqlValue[]): Promise<readonly SqlRow[]> {
    this.#assertOpen();
    try {
      return this.#prepare(sql)
        .all(...params)
        .map(withoutBuffers);
    } catch (error) {
      throw nativeFailure(error);
    }
  }

  async commit(statements: readonly SqlStatement[]): Promise<void> {
    this.#assertOpen();
    try {
      this.#makeWritable();
      this.#prepare('BEGIN IMMEDIATE').run();
      for (const statement of statements) this.#run(statement);
      this.#prepare('COMMIT').run();
    } catch (error) {
      // SQLite has rolled back by itself after some errors.
      if (this.#database.inTransaction) this.#prepare('ROLLBACK').run();
      throw nativeFailure(error);
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#prepared.clear();
    try {
      // The last connection to close moves the write-ahead log into the database and removes it.
      this.#database.close();
    } finally {
      this.#lock.release();
    }
  }

  #run({ sql, params, expectRows }: SqlStatement): void {
    const { changes } = this.#prepare(sql).run(...params);
    if (expectRows !== undefined && changes !== expectRows) {
      throw new SottoError(
        'store-fenced',
        'Another owner has changed this store. Nothing was written; close this one.',
      );
    }
  }

  #prepare(sql: string): Database.Statement<SqlValue[], Record<string, SqlValue>> {
    const known = this.#prepared.get(sql);
    if (known !== undefined) return known;
    const statement = this.#database.prepare<SqlValue[], Record<string, SqlValue>>(sql);
    this.#prepared.set(sql, statement);
    return statement;
  }

  /** Changes the file's mode only before the first write: opening what turns out to be somebody else's database leaves it as it was. */
  #makeWritable(): void {
    if (this.#writable) return;
    this.#database.pragma('journal_mode = WAL');
    // The log is written over from its start after each checkpoint (about 4 MiB); only one that grew far beyond is cut back.
    this.#database.pragma('journal_size_limit = 16777216');
    // Pages that many commits change go into the database once, not each time a thousand pages are full (about 12 MiB).
    this.#database.pragma('wal_autocheckpoint = 3000');
    // A batch of a thousand messages stays in memory until it commits (16 MiB).
    this.#database.pragma('cache_size = -16384');
    this.#writable = true;
  }

  #assertOpen(): void {
    if (this.#closed) throw new SottoError('store-closed', 'This store was closed. Open it again before using it.');
  }
}

/** Looks for damage through a connection that can't write: closing a writing one could move a leftover log into the file. */
function assertSound(path: string, connect: Connect): void {
  const hasLog = (statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0) > 0;
  const database = connect(path, { readonly: true, timeout: busyTimeoutMs });
  try {
    database.prepare('SELECT count(*) FROM sqlite_schema').get();
    // SQLite reads what is missing of the last page as zeros. With a log beside it, the file may have been in the middle of a write.
    const pageSize = Number(database.pragma('page_size', { simple: true }));
    if (!hasLog && statSync(path).size % pageSize !== 0) {
      throw new Database.SqliteError('the file ends within a page', 'SQLITE_CORRUPT');
    }
    if (Number(database.pragma('page_count', { simple: true })) > checkedPages) return;
    const found = database.pragma('quick_check(1)', { simple: true });
    if (found !== 'ok') throw new Database.SqliteError(String(found), 'SQLITE_CORRUPT');
  } finally {
    database.close();
  }
}

function openDatabase(path: string, connect: Connect): Database.Database {
  if (existsSync(path) && statSync(path).size > 0) assertSound(path, connect);
  const database = connect(path, { timeout: busyTimeoutMs });
  try {
    database.pragma('synchronous = FULL');
    database.pragma('foreign_keys = ON');
    database.pragma('secure_delete = ON');
    // Large sorts and statement journals would go into a temporary file, which is not encrypted even when the database is.
    database.pragma('temp_store = MEMORY');
    database.prepare('SELECT count(*) FROM sqlite_schema').get();
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

function unavailable(message: string): SottoError {
  return new SottoError('store-unavailable', message, { retryable: true });
}

/** The same name for the same file, so that links don't lead past the lock. */
function canonicalPath(path: string): string {
  const folder = dirname(path);
  if (!existsSync(folder)) throw unavailable("The store's folder does not exist. Make it, then try again.");
  if (!existsSync(path)) return join(realpathSync(folder), basename(path));
  if (statSync(path).isDirectory())
    throw unavailable("The store's path is a folder. Name a file in it, then try again.");
  return realpathSync(path);
}

/** Makes the file for its owner alone when it is not there yet; SQLite gives its log the same rights. It holds keys and history. */
function makePrivate(path: string): void {
  if (!existsSync(path)) closeSync(openSync(path, 'a', 0o600));
}

function openDriver(path: string, connect: Connect): BetterSqlite3Driver {
  const canonical = canonicalPath(path);
  for (const name of [canonical, `${canonical}-lock`]) makePrivate(name);
  const lock = FileLock.take(`${canonical}-lock`);
  if (lock === undefined) {
    throw new SottoError(
      'store-locked',
      'This store is open already, here or in another process. Close the other owner first.',
      {
        retryable: true,
      },
    );
  }
  try {
    return new BetterSqlite3Driver(openDatabase(canonical, connect), lock);
  } catch (error) {
    lock.release();
    throw error;
  }
}

/**
 * A database file through better-sqlite3: WAL, synchronous=FULL, foreign keys, secure_delete.
 *
 * Its lock is an empty file beside it, `<path>-lock`, locked by the operating system as long as the driver is open.
 * @param path of the file; made when missing, its folder must exist
 * @throws {SottoError} `argument-invalid` when the path is empty or `:memory:`
 */
export function betterSqlite3Driver(path: string): SqlDriverOpener {
  return driverThrough(path, () => connectPlain);
}

/** The same through another way to connect, which is made ready at each opening, with its own name for a failure to open. */
export function driverThrough(
  path: string,
  prepare: () => Connect | Promise<Connect>,
  openingFailure: (error: unknown) => Error = nativeFailure,
): SqlDriverOpener {
  if (typeof path !== 'string' || path === '' || path === ':memory:') {
    throw new SottoError('argument-invalid', 'A store needs a path of a file. For one in memory, use memoryStore().');
  }
  const absolute = resolve(path);
  return {
    async open() {
      const connect = await prepare();
      try {
        return openDriver(absolute, connect);
      } catch (error) {
        throw openingFailure(error);
      }
    },
  };
}
