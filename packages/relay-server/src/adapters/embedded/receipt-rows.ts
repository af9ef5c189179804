import type { Statement } from 'better-sqlite3';
import type { UserId } from '../../ports/ids.ts';
import type { MailResult } from '../../ports/mailbox.ts';
import { decodeReceipt, encodeReceipt } from '../receipt-bytes.ts';
import type { DeviceRows } from './device-rows.ts';
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
  readonly rest: Buffer;
}

const senderLength = 8;
/** Greater than any key. */
const end = new Uint8Array(32).fill(0xff);

/** How far the receipts of removed devices have been looked for. */
interface Walk {
  /** The last of those that were removed when it began. */
  readonly upTo: number;
  readonly after: Uint8Array;
}

/**
 * Recorded receipts, one a send. All but `find` write, and belong into a transaction.
 *
 * The key is the send id and the sending device's in one; what is never looked for is one value: a row of few columns takes two thirds of the time.
 * Receipts of a device that was removed are out of reach at once, since its key is never used again; `removeEnded` deletes them.
 */
export class ReceiptRows {
  readonly #devices: DeviceRows;
  readonly #find: Statement<[Uint8Array], ReceiptRow>;
  readonly #add: Statement<[Uint8Array, number, Uint8Array]>;
  readonly #update: Statement<[Uint8Array, Uint8Array]>;
  readonly #expire: Statement<[number, number]>;
  readonly #lastEnded: Statement<[], { upTo: number | null }>;
  readonly #boundary: Statement<[Uint8Array, number], { send: Buffer }>;
  readonly #removeEnded: Statement<[Uint8Array, Uint8Array]>;
  readonly #forgetEnded: Statement<[number]>;
  #walk: Walk | undefined;

  constructor(database: RelayDatabase, devices: DeviceRows) {
    const { sql } = database;
    this.#devices = devices;
    this.#find = sql.prepare('SELECT accepted_at AS acceptedAt, rest FROM receipt WHERE send = ?');
    this.#add = sql.prepare('INSERT INTO receipt VALUES (?, ?, ?) ON CONFLICT (send) DO NOTHING');
    this.#update = sql.prepare('UPDATE receipt SET rest = ? WHERE send = ?');
    this.#expire = sql.prepare(
      'DELETE FROM receipt WHERE send IN (SELECT send FROM receipt WHERE accepted_at < ? LIMIT ?)',
    );
    this.#lastEnded = sql.prepare('SELECT max(id) AS upTo FROM ended_sender');
    this.#boundary = sql.prepare('SELECT send FROM receipt WHERE send > ? ORDER BY send LIMIT 1 OFFSET ?');
    this.#removeEnded = sql.prepare(
      `DELETE FROM receipt WHERE send > ? AND send <= ?
       AND substr(send, -${senderLength}) IN (SELECT sender FROM ended_sender)`,
    );
    this.#forgetEnded = sql.prepare('DELETE FROM ended_sender WHERE id <= ?');
    const addEnded = sql.prepare<[Uint8Array]>('INSERT INTO ended_sender (sender) VALUES (?)');
    const none = new Uint8Array(0);
    devices.whenRemoved((device) => addEnded.run(keyOf(device, none)));
    database.whenUndone(() => {
      this.#walk = undefined;
    });
  }

  find(sender: number, sendId: Uint8Array): Recorded | undefined {
    const row = this.#find.get(keyOf(sender, sendId));
    return row && { acceptedAt: row.acceptedAt, ...decodeReceipt(row.rest) };
  }

  /** Records a send; false, and nothing was written, when it is recorded already. */
  add(sender: number, sendId: Uint8Array, recorded: Recorded): boolean {
    return this.#add.run(keyOf(sender, sendId), recorded.acceptedAt, this.#encode(recorded)).changes === 1;
  }

  /** Records the results of a send anew: with recipients that were accepted later. */
  update(sender: number, sendId: Uint8Array, recorded: Recorded): void {
    this.#update.run(this.#encode(recorded), keyOf(sender, sendId));
  }

  /** Deletes at most `limit` that were recorded before this time; gives how many. */
  expire(before: number, limit: number): number {
    return this.#expire.run(before, limit).changes;
  }

  /** Goes through the next `limit` receipts for those of removed devices; false when there is nothing more to do. */
  removeEnded(limit: number): boolean {
    const walk = this.#walk ?? this.#begin();
    if (walk === undefined) return false;
    const last = this.#boundary.get(walk.after, limit - 1)?.send;
    this.#removeEnded.run(walk.after, last ?? end);
    this.#walk = last && { upTo: walk.upTo, after: last };
    if (last === undefined) this.#forgetEnded.run(walk.upTo);
    return true;
  }

  #begin(): Walk | undefined {
    const upTo = this.#lastEnded.get()?.upTo;
    return typeof upTo === 'number' ? { upTo, after: new Uint8Array(0) } : undefined;
  }

  #encode({ expiresAt, results }: Recorded): Uint8Array {
    return encodeReceipt(expiresAt, results, (userId) => this.#devices.bytesOf(userId));
  }
}

/** The send id, so that receipts of one time stand together, then eight bytes of the sender's key. */
function keyOf(sender: number, sendId: Uint8Array): Buffer {
  const key = Buffer.allocUnsafe(sendId.length + senderLength);
  key.set(sendId);
  key.writeUInt32BE(Math.floor(sender / 2 ** 32), sendId.length);
  key.writeUInt32BE(sender % 2 ** 32, sendId.length + 4);
  return key;
}
