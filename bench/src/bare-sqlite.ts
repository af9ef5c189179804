import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import Database from 'better-sqlite3';

/** As many as a group of the relay's writer has under load, about. */
const atOnce = 256;
const pageOfReads = 64;

/** A table of blobs in SQLite alone, as durable as the relay's: what a mailbox on it can't be faster than. */
export class BareSqlite implements Disposable {
  readonly #database: Database.Database;
  readonly #blob: Buffer;

  constructor(folder: string, bytes: number) {
    this.#blob = randomBytes(bytes);
    this.#database = new Database(join(folder, 'bare.db'));
    this.#database.pragma('journal_mode = WAL');
    this.#database.pragma('synchronous = FULL');
    this.#database.exec('CREATE TABLE mail (id INTEGER PRIMARY KEY, envelope BLOB NOT NULL) STRICT');
  }

  /** Inserts rows, fsynced in groups; gives how many a second. */
  store(count: number): number {
    const insert = this.#database.prepare('INSERT INTO mail (envelope) VALUES (?)');
    const group = this.#database.transaction((rows: number) => {
      for (let row = 0; row < rows; row++) insert.run(this.#blob);
    });
    return perSecond(count, () => {
      for (let left = count; left > 0; left -= atOnce) group(Math.min(atOnce, left));
    });
  }

  /** Reads and deletes them all, in groups; gives how many a second. */
  drain(count: number): number {
    const read = this.#database.prepare<[number], { id: number }>('SELECT id, envelope FROM mail ORDER BY id LIMIT ?');
    const remove = this.#database.prepare('DELETE FROM mail WHERE id = ?');
    const group = this.#database.transaction((rows: readonly { readonly id: number }[]) => {
      for (const { id } of rows) remove.run(id);
    });
    return perSecond(count, () => {
      for (let rows = read.all(pageOfReads); rows.length > 0; rows = read.all(pageOfReads)) group(rows);
    });
  }

  [Symbol.dispose](): void {
    this.#database.close();
  }
}

function perSecond(count: number, work: () => void): number {
  const began = performance.now();
  work();
  return (count / (performance.now() - began)) * 1_000;
}
