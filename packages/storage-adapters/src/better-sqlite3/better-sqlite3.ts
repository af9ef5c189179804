import type { StoreOpener } from '@sotto/sdk/ports';
import { sqlStore } from '../sql/sql-store.ts';
import { betterSqlite3Driver } from './better-sqlite3-driver.ts';

/**
 * Keeps a client's history in one SQLite file, through better-sqlite3.
 *
 * One owner at a time; durable at every commit; beside it stand `<path>-lock`, and `<path>-wal` and `<path>-shm` while it is open.
 * @param path of the file; made when missing, its folder must exist
 * @throws {SottoError} `argument-invalid` when the path is empty or `:memory:`
 */
export function betterSqlite3(path: string): StoreOpener {
  return sqlStore(betterSqlite3Driver(path));
}
