import { SottoError } from '@sotto/sdk/ports';
import type Database from 'better-sqlite3-multiple-ciphers';
import { type Connect, driverThrough } from '../better-sqlite3/better-sqlite3-driver.ts';
import { isSqliteError, nativeFailure } from '../better-sqlite3/native-failure.ts';
import type { SqlDriverOpener } from '../driver/sql-driver.ts';
import { cipherBuild } from './cipher-build.ts';

const keyBytes = 32;

/**
 * An encrypted database file: what `encryptedSqlite3` stands on.
 * @throws {SottoError} see `encryptedSqlite3`
 */
export function encryptedSqlite3Driver(path: string, options: { readonly key: Uint8Array }): SqlDriverOpener {
  if (!(options?.key instanceof Uint8Array) || options.key.length !== keyBytes) {
    throw new SottoError(
      'argument-invalid',
      `key is a Uint8Array of ${keyBytes} random bytes. Derive them from a passphrase with scrypt.`,
    );
  }
  const key = Buffer.from(options.key).toString('hex');
  const prepare = async (): Promise<Connect> => {
    const Build = await cipherBuild();
    return (file, connecting) => {
      const database = new Build(file, connecting);
      try {
        setKey(database, key);
      } catch (error) {
        database.close();
        throw error;
      }
      return database;
    };
  };
  return driverThrough(path, prepare, openingFailure);
}

/** A build of SQLite that knows no keys passes the pragma over, and would write in clear. */
function setKey(database: Database.Database, key: string): void {
  database.pragma("cipher = 'chacha20'");
  if (database.pragma(`key = 'raw:${key}'`, { simple: true }) !== 'ok') {
    throw new SottoError(
      'store-unavailable',
      'This build of SQLite does not encrypt: install better-sqlite3-multiple-ciphers anew. Nothing was written.',
    );
  }
}

function openingFailure(error: unknown): SottoError {
  if (isSqliteError(error) && error.code.startsWith('SQLITE_NOTADB')) {
    return new SottoError(
      'store-key-wrong',
      'This file can not be read with this key: give the key that it was made with. A store that is not encrypted is opened with betterSqlite3(path). Nothing was changed.',
      { cause: error },
    );
  }
  return nativeFailure(error);
}
