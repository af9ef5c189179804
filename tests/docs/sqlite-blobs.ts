import { DatabaseSync } from 'node:sqlite';
import { RelayError } from '@sotto/relay-server';
import type { BlobStore } from '@sotto/relay-server/ports';

/** Blobs in one table, as CONTRIBUTING.md shows it. */
export class SqliteBlobs implements BlobStore {
  readonly #database: DatabaseSync;

  constructor(path: string) {
    this.#database = new DatabaseSync(path);
    this.#database.exec('PRAGMA secure_delete = ON');
    this.#database.exec('CREATE TABLE IF NOT EXISTS blob (key TEXT PRIMARY KEY, bytes BLOB NOT NULL) STRICT');
  }

  async put(key: string, bytes: Uint8Array): Promise<void> {
    this.#database.prepare('INSERT OR REPLACE INTO blob VALUES (?, ?)').run(checked(key), bytes);
  }

  async get(key: string): Promise<Uint8Array | undefined> {
    const row = this.#database.prepare('SELECT bytes FROM blob WHERE key = ?').get(checked(key));
    return row?.bytes instanceof Uint8Array ? row.bytes : undefined;
  }

  async delete(key: string): Promise<void> {
    this.#database.prepare('DELETE FROM blob WHERE key = ?').run(checked(key));
  }

  close(): void {
    this.#database.close();
  }
}

function checked(key: string): string {
  if (/^[a-z0-9/-]{1,200}$/.test(key)) return key;
  throw new RelayError('request-malformed', 'a blob key has 1 to 200 of the characters a-z 0-9 / -');
}
