import type { Statement } from 'better-sqlite3';
import type { DeviceAddress } from '../../ports/ids.ts';
import type {
  MailAppend,
  Mailbox,
  MailEntry,
  MailQuota,
  MailReader,
  MailReceipt,
  MailRecipient,
  MailResult,
  MailUsage,
} from '../../ports/mailbox.ts';
import type { Randomness } from '../../ports/randomness.ts';
import { receiptRetentionMs } from '../retention.ts';
import { DeliverySecrets, deliveryIdOf, readDeliveryId } from './delivery-id.ts';
import type { DeviceRows } from './device-rows.ts';
import { MailUsageBook } from './mail-usage.ts';
import { decodeResult, encodeResult } from './recorded-result.ts';
import type { RelayDatabase } from './relay-database.ts';
import { userIdFromBytes, userIdToBytes } from './user-id-bytes.ts';

interface MailRow {
  readonly seq: number;
  readonly secret: Buffer;
  readonly envelope: Buffer;
}

interface ReceiptRow {
  readonly recipient: Buffer;
  readonly acceptedAt: number;
  readonly expiresAt: number;
  readonly devices: Buffer;
}

/** How many rows one transaction of `expire` deletes, so that others get their turn. */
const expiredAtOnce = 1000;

/** Mailboxes in SQLite: `seq` is the order of commits, so a reader can go by it and never pass over a late entry. */
export class EmbeddedMailbox implements Mailbox {
  readonly #database: RelayDatabase;
  readonly #devices: DeviceRows;
  readonly #secrets: DeliverySecrets;
  readonly #usage: MailUsageBook;
  readonly #insert: Statement<[number, Uint8Array, number, number, Uint8Array]>;
  readonly #next: Statement<[number, number, number, number], MailRow>;
  readonly #delete: Statement<[number, number, Uint8Array], { size: number }>;
  readonly #oldest: Statement<[number], { acceptedAt: number }>;
  readonly #expire: Statement<[number, number], { device: number; size: number }>;
  readonly #receipts: Statement<[number, Uint8Array], ReceiptRow>;
  readonly #insertReceipt: Statement<[number, Uint8Array, Buffer, number, number, Buffer]>;
  readonly #expireReceipts: Statement<[number, number]>;

  constructor(database: RelayDatabase, devices: DeviceRows, randomness: Randomness) {
    const { sql } = database;
    this.#database = database;
    this.#devices = devices;
    this.#secrets = new DeliverySecrets(randomness);
    this.#usage = new MailUsageBook(database);
    this.#insert = sql.prepare(
      'INSERT INTO mail (device, secret, accepted_at, expires_at, envelope) VALUES (?, ?, ?, ?, ?)',
    );
    this.#next = sql.prepare(
      `SELECT seq, secret, envelope FROM mail INDEXED BY mail_by_device
       WHERE device = ? AND seq > ? AND expires_at > ? ORDER BY seq LIMIT ?`,
    );
    this.#delete = sql.prepare(
      'DELETE FROM mail WHERE seq = ? AND device = ? AND secret = ? RETURNING length(envelope) AS size',
    );
    this.#oldest = sql.prepare(
      'SELECT accepted_at AS acceptedAt FROM mail INDEXED BY mail_by_device WHERE device = ? ORDER BY seq LIMIT 1',
    );
    this.#expire = sql.prepare(
      `DELETE FROM mail WHERE seq IN (SELECT seq FROM mail INDEXED BY mail_by_end WHERE expires_at <= ? LIMIT ?)
       RETURNING device, length(envelope) AS size`,
    );
    this.#receipts = sql.prepare(
      `SELECT recipient, accepted_at AS acceptedAt, expires_at AS expiresAt, devices FROM receipt
       WHERE sender = ? AND send_id = ?`,
    );
    this.#insertReceipt = sql.prepare('INSERT INTO receipt VALUES (?, ?, ?, ?, ?, ?)');
    this.#expireReceipts = sql.prepare(
      `DELETE FROM receipt WHERE (sender, send_id, recipient) IN
       (SELECT sender, send_id, recipient FROM receipt WHERE accepted_at < ? LIMIT ?)`,
    );
  }

  append(append: MailAppend, quota: MailQuota): Promise<MailReceipt> {
    return this.#database.write('append', () => {
      const users = append.recipients.map(({ userId }) => userIdToBytes(userId));
      const sender = this.#devices.intern(append.sender);
      const rows = this.#receipts.all(sender, append.sendId);
      const recorded = new Map(rows.map((row) => [userIdFromBytes(row.recipient), row]));
      const { acceptedAt, expiresAt } = rows[0] ?? append;
      let stored = false;
      const results = append.recipients.map((recipient, index) => {
        const before = recorded.get(recipient.userId);
        if (before !== undefined) return decodeResult(recipient.userId, before.devices);
        const result = this.#deliver(recipient, append, quota);
        const user = users[index];
        if (result.status === 'accepted' && user !== undefined) {
          stored = true;
          const encoded = encodeResult(result);
          this.#insertReceipt.run(sender, append.sendId, user, acceptedAt, expiresAt, encoded);
          recorded.set(recipient.userId, { recipient: user, acceptedAt, expiresAt, devices: encoded });
        }
        return result;
      });
      return { repeated: rows.length > 0 && !stored, acceptedAt, expiresAt, results };
    });
  }

  recorded(sender: DeviceAddress, sendId: Uint8Array): Promise<MailReceipt | undefined> {
    return this.#database.read(() => {
      const device = this.#devices.find(sender);
      const rows = device === undefined ? [] : this.#receipts.all(device, sendId);
      const [first] = rows;
      if (first === undefined) return undefined;
      const results = rows.map((row) => decodeResult(userIdFromBytes(row.recipient), row.devices));
      return { repeated: true, acceptedAt: first.acceptedAt, expiresAt: first.expiresAt, results };
    });
  }

  reader(device: DeviceAddress): MailReader {
    let given = 0;
    return {
      next: (limit, now) =>
        this.#database.read(() => {
          const id = this.#devices.find(device);
          const rows = id === undefined ? [] : this.#next.all(id, given, now, limit);
          given = rows.at(-1)?.seq ?? given;
          return rows.map(
            ({ seq, secret, envelope }): MailEntry => ({ deliveryId: deliveryIdOf(seq, secret), envelope }),
          );
        }),
    };
  }

  ack(device: DeviceAddress, deliveryIds: readonly Uint8Array[]): Promise<number> {
    const named = deliveryIds.flatMap((deliveryId) => readDeliveryId(deliveryId) ?? []);
    return this.#database.write('ack', () => {
      const id = this.#devices.find(device);
      if (id === undefined) return 0;
      let deleted = 0;
      for (const { seq, secret } of named) {
        const row = this.#delete.get(seq, id, secret);
        if (row === undefined) continue;
        this.#usage.went(id, row.size);
        deleted++;
      }
      return deleted;
    });
  }

  usage(device: DeviceAddress): Promise<MailUsage> {
    return this.#database.read(() => {
      const id = this.#devices.find(device);
      if (id === undefined) return { count: 0, bytes: 0, oldest: undefined };
      return { ...this.#usage.of(id), oldest: this.#oldest.get(id)?.acceptedAt };
    });
  }

  async expire(now: number): Promise<number> {
    let expired = 0;
    for (let last = expiredAtOnce; last === expiredAtOnce; expired += last) {
      last = await this.#database.write('other', () => {
        const rows = this.#expire.all(now, expiredAtOnce);
        for (const { device, size } of rows) this.#usage.went(device, size);
        return rows.length;
      });
    }
    for (let last = expiredAtOnce; last === expiredAtOnce; ) {
      const before = now - receiptRetentionMs;
      last = await this.#database.write('other', () => this.#expireReceipts.run(before, expiredAtOnce).changes);
    }
    return expired;
  }

  async scrub(): Promise<void> {
    // Whatever was asked for before this call is committed first, and so is in the log that is emptied.
    await this.#database.write('other', () => undefined);
    await this.#database.emptyLog();
  }

  #deliver({ userId, items }: MailRecipient, append: MailAppend, quota: MailQuota): MailResult {
    let isAccepted = false;
    const devices = items.map(({ deviceId, envelope }) => {
      const id = this.#devices.intern({ userId, deviceId });
      const held = this.#usage.of(id);
      if (held.count + 1 > quota.count || held.bytes + envelope.length > quota.bytes) {
        return { deviceId, status: 'full' as const };
      }
      this.#insert.run(id, this.#secrets.next(), append.acceptedAt, append.expiresAt, envelope);
      held.count++;
      held.bytes += envelope.length;
      isAccepted = true;
      return { deviceId, status: 'accepted' as const };
    });
    return { userId, status: isAccepted ? 'accepted' : 'full', devices };
  }
}
