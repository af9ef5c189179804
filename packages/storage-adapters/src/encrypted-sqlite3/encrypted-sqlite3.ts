import type { StoreOpener } from '@sotto/sdk/ports';
import { sqlStore } from '../sql/sql-store.ts';
import { encryptedSqlite3Driver } from './encrypted-sqlite3-driver.ts';

/**
 * Keeps a client's history in one encrypted SQLite file, through better-sqlite3-multiple-ciphers, which the app installs beside this package.
 *
 * As `betterSqlite3`, with every page of the file and of its write-ahead log encrypted and authenticated (ChaCha20-Poly1305, SQLite3 Multiple Ciphers).
 * It protects a disk, a backup or a stolen file. It does not hide how large the history is and when it changed, nor anything from a program that can read this process's memory, where the key and the open history are.
 * @param path of the file; made when missing, its folder must exist
 * @param options.key 32 random bytes, kept where the platform keeps secrets (a keychain, a key service). For a passphrase, derive them: `scryptSync(passphrase, salt, 32)`. Who loses the key loses the history.
 * @throws {SottoError} `argument-invalid` when the path is empty or `:memory:`, or the key has not 32 bytes; from `open`: `store-key-wrong` when the file can't be read with this key: another key, or not encrypted. It is left as it is; `store-unavailable` when the package that encrypts is not installed: the message has the command.
 */
export function encryptedSqlite3(path: string, options: { readonly key: Uint8Array }): StoreOpener {
  return sqlStore(encryptedSqlite3Driver(path, options));
}
