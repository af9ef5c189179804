import { SottoError } from '@sotto/sdk/ports';
import type Database from 'better-sqlite3-multiple-ciphers';

/**
 * The build of SQLite that encrypts. It is an optional package, so that whoever does not encrypt needs no second native build; asked for when a store is opened, so that who lacks it is told what to do.
 * @throws {SottoError} `store-unavailable` when it is not installed
 */
export async function cipherBuild(
  load: () => Promise<{ readonly default: typeof Database }> = () => import('better-sqlite3-multiple-ciphers'),
): Promise<typeof Database> {
  try {
    return (await load()).default;
  } catch (cause) {
    if (!(cause instanceof Error && 'code' in cause && cause.code === 'ERR_MODULE_NOT_FOUND')) throw cause;
    throw new SottoError(
      'store-unavailable',
      'encryptedSqlite3 needs a package that is installed beside this one: npm install better-sqlite3-multiple-ciphers@13.0.3',
      { cause },
    );
  }
}
