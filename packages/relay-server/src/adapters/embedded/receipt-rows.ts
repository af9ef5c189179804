import type { Statement } from 'better-sqlite3';
import type { UserId } from '../../ports/ids.ts';
import type { MailResult } from '../../ports/mailbox.ts';
import { decodeResults, encodeResults } from './recorded-results.ts';
import type { RelayDatabase } from './relay-database.ts';

/** What is recorded of a send. */
export interface Recorded {
  readonly acceptedAt: number;
  readonly expiresAt: number;
  /** Of the recipients that were accepted. */
  readonly results: Map<UserId, MailResult>;
}

interface ReceiptRow {
  readonly acceptedAt: number;
  readonly expiresAt: number;
  readonly results: Buffer;
}

/** Recorded receipts, one a send, by the key of the sending device and the send id. All but `find` write, and belong into a transaction. */
export class ReceiptRows {
  readonly #find: Statement<[number, Uint8Array], ReceiptRow>;
  readonly #add: Statement<[number, Uint8Array, number, number, Uint8Array]>;
  readonly #update: Statement<[Uint8Array, number, Uint8Array]>;
  readonly #expire: Statement<[number, number]>;

  constructor({ sql }: RelayDatabase) {
    this.#find = sql.prepare(
      `SELECT accepted_at AS acceptedAt, expires_at AS expiresAt, results FROM receipt
       WHERE sender = ? AND send_id = ?`,
    );
    this.#add = sql.prepare('INSERT INTO receipt VALUES (?, ?, ?, ?, ?) ON CONFLICT (sender, send_id) DO NOTHING');
    this.#update = sql.prepare('UPDATE receipt SET results = ? WHERE sender = ? AND send_id = ?');
    this.#expire = sql.prepare(
      `DELETE FROM receipt WHERE (sender, send_id) IN
       (SELECT sender, send_id FROM receipt WHERE accepted_at < ? LIMIT ?)`,
    );
  }

  find(sender: number, sendId: Uint8Array): Recorded | undefined {
    const row = this.#find.get(sender, sendId);
    return row && { ...row, results: decodeResults(row.results) };
  }

  /** Records a send; false, and nothing was written, when it is recorded already. */
  add(sender: number, sendId: Uint8Array, { acceptedAt, expiresAt, results }: Recorded): boolean {
    return this.#add.run(sender, sendId, acceptedAt, expiresAt, encodeResults(results.values())).changes === 1;
  }

  /** Records the results of a send anew: with recipients that were accepted later. */
  update(sender: number, sendId: Uint8Array, { results }: Recorded): void {
    this.#update.run(encodeResults(results.values()), sender, sendId);
  }

  /** Deletes at most `limit` that were recorded before this time; gives how many. */
  expire(before: number, limit: number): number {
    return this.#expire.run(before, limit).changes;
  }
}
