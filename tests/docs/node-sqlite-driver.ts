import { DatabaseSync } from 'node:sqlite';
import { SottoError } from '@sotto/sdk/ports';
import { type SqlDriver, type SqlDriverOpener, type SqlRow, sqliteFailure } from '@sotto/storage-adapters/driver';

const settings =
  'PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA secure_delete = ON';

/** A database file through Node's own SQLite, as CONTRIBUTING.md shows it. */
export function nodeSqliteDriver(path: string): SqlDriverOpener {
  return {
    async open() {
      return translated(() => openDriver(path));
    },
  };
}

function openDriver(path: string): SqlDriver {
  const lock = takeLock(`${path}-lock`);
  let database: DatabaseSync;
  try {
    database = new DatabaseSync(path);
    database.exec(settings);
  } catch (error) {
    lock.close();
    throw error;
  }
  const assertOpen = () => {
    if (!database.isOpen) throw new SottoError('store-closed', 'This store was closed. Open it again before using it.');
  };
  return {
    async query(sql, params) {
      assertOpen();
      return translated(() => database.prepare(sql).all(...params) as SqlRow[]);
    },
    async commit(statements) {
      assertOpen();
      translated(() => {
        database.exec('BEGIN IMMEDIATE');
        try {
          for (const { sql, params, expectRows } of statements) {
            const { changes } = database.prepare(sql).run(...params);
            if (expectRows !== undefined && changes !== expectRows) {
              throw new SottoError('store-fenced', 'Another owner has changed this store. Close this one.');
            }
          }
          database.exec('COMMIT');
        } catch (error) {
          if (database.isTransaction) database.exec('ROLLBACK');
          throw error;
        }
      });
    },
    async close() {
      if (!database.isOpen) return;
      database.close();
      lock.close();
    },
  };
}

/** A lock of the operating system's, which ends with the process: an exclusive transaction on an empty file. */
function takeLock(path: string): DatabaseSync {
  const lock = new DatabaseSync(path);
  try {
    lock.exec('PRAGMA busy_timeout = 0; BEGIN EXCLUSIVE');
    return lock;
  } catch (cause) {
    lock.close();
    throw new SottoError('store-locked', 'This store is open already: close it there.', { retryable: true, cause });
  }
}

/** By SQLite's primary result codes: what the driver port throws. */
const names: Readonly<Record<number, string>> = {
  5: 'SQLITE_BUSY',
  8: 'SQLITE_READONLY',
  10: 'SQLITE_IOERR',
  11: 'SQLITE_CORRUPT',
  13: 'SQLITE_FULL',
  14: 'SQLITE_CANTOPEN',
  19: 'SQLITE_CONSTRAINT',
  20: 'SQLITE_MISMATCH',
  26: 'SQLITE_NOTADB',
};

function translated<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof SottoError || !(error instanceof Error && 'errcode' in error)) throw error;
    throw sqliteFailure(names[Number(error.errcode) & 0xff] ?? `code ${error.errcode}`, error);
  }
}
