import type { Statement } from 'better-sqlite3';
import type { RelayDatabase } from './relay-database.ts';

/** How many pointers one look at a removed device takes, so that memory is bounded. */
const removedAtOnce = 1000;

/** Ends that envelopes of one send share. All but `body` write, and belong into a transaction. */
export class SharedRows {
  readonly #add: Statement<[number, Uint8Array]>;
  readonly #body: Statement<[number], { body: Buffer }>;
  readonly #removeUnless: Statement<[number, number]>;
  readonly #ofDevice: Statement<[number, number, number], { seq: number; shared: number }>;
  readonly #removePointer: Statement<[number]>;
  /** Greater than the key of any row. */
  readonly lastId: number;

  constructor({ sql }: RelayDatabase) {
    this.lastId =
      sql.prepare<[], { last: number }>('SELECT coalesce(max(id), 0) AS last FROM shared_mail').get()?.last ?? 0;
    this.#add = sql.prepare('INSERT INTO shared_mail (id, body) VALUES (?, ?)');
    this.#body = sql.prepare('SELECT body FROM shared_mail WHERE id = ?');
    this.#removeUnless = sql.prepare(
      'DELETE FROM shared_mail WHERE id = ? AND NOT EXISTS (SELECT 1 FROM mail INDEXED BY mail_by_shared WHERE shared = ?)',
    );
    this.#ofDevice = sql.prepare(
      `SELECT seq, shared FROM mail INDEXED BY mail_by_device
       WHERE device = ? AND seq > ? AND shared IS NOT NULL ORDER BY seq LIMIT ?`,
    );
    this.#removePointer = sql.prepare('DELETE FROM mail WHERE seq = ?');
  }

  add(id: number, body: Uint8Array): void {
    this.#add.run(id, body);
  }

  body(id: number): Buffer | undefined {
    return this.#body.get(id)?.body;
  }

  /** Deletes those of these to which nothing points any more. */
  removeUnpointed(ids: ReadonlySet<number>): void {
    for (const id of ids) this.#removeUnless.run(id, id);
  }

  /** Deletes all of a device's mail that shares its end, and the ends that it was the last to have. */
  removeOf(device: number): void {
    for (let last: number | undefined = 0; last !== undefined; ) {
      const rows = this.#ofDevice.all(device, last, removedAtOnce);
      for (const { seq } of rows) this.#removePointer.run(seq);
      this.removeUnpointed(new Set(rows.map(({ shared }) => shared)));
      last = rows.at(-1)?.seq;
    }
  }
}
