import type { Statement } from 'better-sqlite3';
import type { UserId } from '../../ports/ids.ts';
import type { MailResult } from '../../ports/mailbox.ts';
import type { DeviceRows } from './device-rows.ts';
import { decodeReceipt, encodeReceipt } from './receipt-bytes.ts';
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

/**
 * Recorded receipts, one a send. All but `find` write, and belong into a transaction.
 *
 * The key is the sending device's and the send id in one; what is never looked for is one value: a row of few columns takes two thirds of the time.
 */
export class ReceiptRows {
  readonly #devices: DeviceRows;
  readonly #find: Statement<[Uint8Array], ReceiptRow>;
  readonly #add: Statement<[Uint8Array, number, Uint8Array]>;
  readonly #update: Statement<[Uint8Array, Uint8Array]>;
  readonly #expire: Statement<[number, number]>;

  constructor({ sql }: RelayDatabase, devices: DeviceRows) {
    this.#devices = devices;
    this.#find = sql.prepare('SELECT accepted_at AS acceptedAt, rest FROM receipt WHERE send = ?');
    this.#add = sql.prepare('INSERT INTO receipt VALUES (?, ?, ?) ON CONFLICT (send) DO NOTHING');
    this.#update = sql.prepare('UPDATE receipt SET rest = ? WHERE send = ?');
    this.#expire = sql.prepare(
      'DELETE FROM receipt WHERE send IN (SELECT send FROM receipt WHERE accepted_at < ? LIMIT ?)',
    );
    const removeOf = sql.prepare<[Uint8Array, Uint8Array]>('DELETE FROM receipt WHERE send >= ? AND send < ?');
    const none = new Uint8Array(0);
    devices.whenRemoved((device) => removeOf.run(keyOf(device, none), keyOf(device + 1, none)));
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

  #encode({ expiresAt, results }: Recorded): Uint8Array {
    return encodeReceipt(expiresAt, results, (userId) => this.#devices.bytesOf(userId));
  }
}

/** Eight bytes of the sender's key, so that all of one sender stand together, then the send id. */
function keyOf(sender: number, sendId: Uint8Array): Buffer {
  const key = Buffer.allocUnsafe(senderLength + sendId.length);
  key.writeUInt32BE(Math.floor(sender / 2 ** 32), 0);
  key.writeUInt32BE(sender % 2 ** 32, 4);
  key.set(sendId, senderLength);
  return key;
}
