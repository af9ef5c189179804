import SqliteDatabase from 'better-sqlite3';
import { RelayError } from '../../relay-error.ts';
import { storeFailure } from './store-failure.ts';

/**
 * Holds a folder for one process, by an exclusive transaction on a second, empty SQLite file.
 *
 * The lock is the operating system's: it ends with the process, however that ends, so there is never a stale one to remove.
 * @returns what lets go of it
 * @throws {RelayError} `store-locked` when somebody else holds it
 */
export function lockFile(path: string): () => void {
  let database: SqliteDatabase.Database | undefined;
  try {
    database = new SqliteDatabase(path, { timeout: 0 });
    database.pragma('journal_mode = MEMORY');
    database.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    database?.close();
    const failure = storeFailure(error);
    const isHeld = error instanceof SqliteDatabase.SqliteError && error.code.startsWith('SQLITE_BUSY');
    if (!isHeld) throw failure;
    throw new RelayError('store-locked', 'another relay uses this data folder: stop it first, or name another folder', {
      cause: error,
    });
  }
  const held = database;
  return () => {
    held.close();
  };
}
