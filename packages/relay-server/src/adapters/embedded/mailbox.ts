import type { Statement } from 'better-sqlite3';
import type { DeviceAddress, UserId } from '../../ports/ids.ts';
import type {
  MailAppend,
  Mailbox,
  MailEntry,
  MailItem,
  MailQuota,
  MailReader,
  MailReceipt,
  MailRecipient,
  MailResult,
  MailUsage,
} from '../../ports/mailbox.ts';
import type { Randomness } from '../../ports/randomness.ts';
import { goneResult } from '../gone-result.ts';
import { laneBroken } from '../lane-broken.ts';
import { receiptRetentionMs } from '../retention.ts';
import { DeliverySecrets, deliveryIdOf, secretOf, seqOf } from './delivery-id.ts';
import type { DeviceRows } from './device-rows.ts';
import { EmbeddedReader, type ReadFor } from './embedded-reader.ts';
import { LiveMail } from './live-mail.ts';
import type { LiveEntry } from './live-queue.ts';
import { countIn, countOut, type Held, hasRoom, MailUsageBook } from './mail-usage.ts';
import { ReceiptRows } from './receipt-rows.ts';
import type { RelayDatabase } from './relay-database.ts';

interface MailRow {
  readonly seq: number;
  readonly secret: Buffer;
  readonly expiresAt: number;
  readonly stranger: number;
  readonly envelope: Buffer;
}

/** An envelope for which there is room, and which is counted already. */
interface FittingMail {
  readonly device: number;
  readonly held: Held;
  readonly envelope: Uint8Array;
  readonly stranger: boolean;
}

/** What is known of a row that went: `stranger` is 0 or 1. */
interface GoneRow {
  readonly size: number;
  readonly stranger: number;
}

/** How many rows one transaction of `expire` deletes, so that others get their turn. */
const expiredAtOnce = 1000;

/**
 * Mailboxes in SQLite: `seq` is the order of commits, so a reader can go by it and never pass over a late entry.
 *
 * What is stored for a device whose reader has come to the end is given from memory, once it is committed: see {@link LiveMail}.
 */
export class EmbeddedMailbox implements Mailbox {
  readonly #database: RelayDatabase;
  readonly #devices: DeviceRows;
  readonly #receipts: ReceiptRows;
  readonly #secrets: DeliverySecrets;
  readonly #usage: MailUsageBook;
  readonly #live = new LiveMail();
  readonly #readFor: ReadFor = (reader, limit, now) => this.#read(reader, limit, now);
  /** Stored for live devices in the transaction that is under way. */
  #stored: { readonly device: number; readonly entry: LiveEntry }[] = [];
  /** Never goes back while the process lives, so that no reader has passed a number that is given later. */
  #lastSeq: number;
  readonly #insert: Statement<[number, number, Uint8Array, number, number, Uint8Array, number]>;
  readonly #next: Statement<[number, number, number, number], MailRow>;
  readonly #delete: Statement<[number, number, Uint8Array], GoneRow>;
  readonly #deleteRun: Statement<[number, number, number]>;
  readonly #oldest: Statement<[number], { acceptedAt: number }>;
  readonly #expire: Statement<[number, number], GoneRow & { readonly seq: number; readonly device: number }>;

  constructor(database: RelayDatabase, devices: DeviceRows, randomness: Randomness) {
    const { sql } = database;
    this.#database = database;
    this.#devices = devices;
    this.#receipts = new ReceiptRows(database, devices);
    this.#secrets = new DeliverySecrets(randomness);
    this.#usage = new MailUsageBook(database);
    this.#lastSeq =
      sql.prepare<[], { last: number }>('SELECT coalesce(max(seq), 0) AS last FROM mail').get()?.last ?? 0;
    this.#insert = sql.prepare(
      'INSERT INTO mail (seq, device, secret, accepted_at, expires_at, envelope, stranger) VALUES (?, ?, ?, ?, ?, ?, ?)',
    );
    this.#next = sql.prepare(
      `SELECT seq, secret, expires_at AS expiresAt, stranger, envelope FROM mail INDEXED BY mail_by_device
       WHERE device = ? AND seq > ? AND expires_at > ? ORDER BY seq LIMIT ?`,
    );
    this.#delete = sql.prepare(
      'DELETE FROM mail WHERE seq = ? AND device = ? AND secret = ? RETURNING length(envelope) AS size, stranger',
    );
    this.#deleteRun = sql.prepare('DELETE FROM mail WHERE seq BETWEEN ? AND ? AND device = ?');
    this.#oldest = sql.prepare(
      'SELECT accepted_at AS acceptedAt FROM mail INDEXED BY mail_by_device WHERE device = ? ORDER BY seq LIMIT 1',
    );
    this.#expire = sql.prepare(
      `DELETE FROM mail WHERE seq IN (SELECT seq FROM mail INDEXED BY mail_by_end WHERE expires_at <= ? LIMIT ?)
       RETURNING seq, device, length(envelope) AS size, stranger`,
    );
    devices.whenRemoved((device) => this.#live.drop(device));
    database.whenCommitted(() => {
      for (const { device, entry } of this.#stored) this.#live.add(device, entry);
      this.#stored = [];
    });
    database.whenUndone(() => {
      this.#stored = [];
      this.#live.clear();
    });
  }

  append(append: MailAppend, quota: MailQuota): Promise<MailReceipt> {
    const { order } = append;
    const work = (): MailReceipt => {
      if (order?.broken) throw laneBroken();
      const { sendId, recipients, acceptedAt, expiresAt } = append;
      for (const { userId } of recipients) this.#devices.bytesOf(userId);
      const fresh = { acceptedAt, expiresAt, results: new Map<UserId, MailResult>() };
      const sender = this.#devices.admit(append.sender);
      if (sender === undefined) {
        return { repeated: false, acceptedAt, expiresAt, results: recipients.map(goneResult) };
      }
      const { fitting, results } = this.#fit(recipients, fresh.results, quota);
      // Almost always there is no record yet, and then making one is all that there is to do: nothing is looked up.
      if (fitting.length > 0 && this.#receipts.add(sender, sendId, fresh)) {
        for (const mail of fitting) this.#store(mail, append);
        return { repeated: false, acceptedAt, expiresAt, results };
      }
      const recorded = this.#receipts.find(sender, sendId);
      if (recorded === undefined) return { repeated: false, acceptedAt, expiresAt, results };
      for (const { held, envelope, stranger } of fitting) countOut(held, envelope.length, stranger);
      const retried = this.#fit(recipients, recorded.results, quota);
      for (const mail of retried.fitting) this.#store(mail, append);
      const repeated = retried.fitting.length === 0;
      if (!repeated) this.#receipts.update(sender, sendId, recorded);
      return { repeated, acceptedAt: recorded.acceptedAt, expiresAt: recorded.expiresAt, results: retried.results };
    };
    if (order === undefined) return this.#database.write('append', work);
    return this.#database.write('append', work, () => {
      order.broken = true;
    });
  }

  recorded(sender: DeviceAddress, sendId: Uint8Array): Promise<MailReceipt | undefined> {
    return this.#database.read(() => {
      const device = this.#devices.find(sender);
      const recorded = device === undefined ? undefined : this.#receipts.find(device, sendId);
      return recorded && { ...recorded, repeated: true, results: [...recorded.results.values()] };
    });
  }

  reader(device: DeviceAddress): MailReader {
    return new EmbeddedReader(device, this.#readFor);
  }

  ack(device: DeviceAddress, deliveryIds: readonly Uint8Array[]): Promise<number> {
    return this.#database.write('ack', () => {
      const id = this.#devices.find(device);
      if (id === undefined) return 0;
      let deleted = 0;
      // Of what is known in memory, rows that follow each other go at once.
      let [first, last] = [0, -1];
      for (const deliveryId of deliveryIds) {
        const seq = seqOf(deliveryId);
        if (seq === undefined) continue;
        const known = this.#live.ack(id, seq, deliveryId);
        if (seq !== last + 1) {
          this.#deleteKnown(id, first, last);
          [first, last] = [seq, seq - 1];
        }
        // A row that memory does not know may be one that this call has deleted: hence after the others.
        const gone = known ?? this.#delete.get(seq, id, secretOf(deliveryId));
        if (gone === undefined) continue;
        if (known !== undefined) last = seq;
        this.#usage.went(id, gone.size, Boolean(gone.stranger));
        deleted++;
      }
      this.#deleteKnown(id, first, last);
      return deleted;
    });
  }

  usage(device: DeviceAddress): Promise<MailUsage> {
    return this.#database.read(() => {
      const id = this.#devices.find(device);
      if (id === undefined) return { count: 0, bytes: 0, strangerCount: 0, strangerBytes: 0, oldest: undefined };
      return { ...this.#usage.of(id), oldest: this.#oldest.get(id)?.acceptedAt };
    });
  }

  async expire(now: number): Promise<number> {
    let expired = 0;
    for (let last = expiredAtOnce; last === expiredAtOnce; expired += last) {
      last = await this.#database.write('other', () => {
        const rows = this.#expire.all(now, expiredAtOnce);
        for (const { seq, device, size, stranger } of rows) {
          this.#usage.went(device, size, stranger === 1);
          this.#live.gone(device, seq);
        }
        return rows.length;
      });
    }
    for (let last = expiredAtOnce; last === expiredAtOnce; ) {
      const before = now - receiptRetentionMs;
      last = await this.#database.write('other', () => this.#receipts.expire(before, expiredAtOnce));
    }
    for (let goesOn = true; goesOn; ) {
      goesOn = await this.#database.write('other', () => this.#receipts.removeEnded(expiredAtOnce));
    }
    return expired;
  }

  async scrub(): Promise<void> {
    // Whatever was asked for before this call is committed first, and so is in the log that is emptied.
    await this.#database.write('other', () => undefined);
    await this.#database.emptyLog();
  }

  #read(reader: EmbeddedReader, limit: number, now: number): Promise<MailEntry[]> {
    return this.#database.read(() => {
      const id = this.#devices.find(reader.device);
      if (id === undefined) return [];
      const live = this.#live.take(id, reader, limit, now, (seq) => {
        reader.given = seq;
      });
      if (live !== undefined) return live;
      const rows = this.#next.all(id, reader.given, now, limit);
      reader.given = rows.at(-1)?.seq ?? reader.given;
      const entries: MailEntry[] = [];
      const given: LiveEntry[] = [];
      for (const { seq, secret, expiresAt, stranger, envelope } of rows) {
        const deliveryId = deliveryIdOf(seq, secret);
        entries.push({ deliveryId, envelope });
        const size = envelope.length;
        given.push({ seq, deliveryId, expiresAt, size, stranger: stranger === 1, envelope: undefined });
      }
      if (given.length > 0) this.#live.given(id, reader, given);
      if (rows.length < limit) this.#live.begin(id, reader);
      return entries;
    });
  }

  /** Finds room for the recipients that are not among `accepted`, counts it as taken, and adds to `accepted` those for whom there was some. */
  #fit(
    recipients: readonly MailRecipient[],
    accepted: Map<UserId, MailResult>,
    quota: MailQuota,
  ): { readonly fitting: readonly FittingMail[]; readonly results: readonly MailResult[] } {
    const fitting: FittingMail[] = [];
    const results = recipients.map(({ userId, items, stranger }): MailResult => {
      const before = accepted.get(userId);
      if (before !== undefined) return before;
      const others = fitting.length;
      const listed: { readonly device: number; readonly item: MailItem }[] = [];
      for (const item of items) {
        const device = this.#devices.admit({ userId, deviceId: item.deviceId });
        if (device === undefined) return goneResult({ userId });
        listed.push({ device, item });
      }
      const devices = listed.map(({ device, item: { deviceId, envelope } }) => {
        const held = this.#usage.of(device);
        if (!hasRoom(held, envelope.length, stranger, quota)) return { deviceId, status: 'full' as const };
        countIn(held, envelope.length, stranger);
        fitting.push({ device, held, envelope, stranger });
        return { deviceId, status: 'accepted' as const };
      });
      if (fitting.length === others) return { userId, status: 'full', devices };
      const result: MailResult = { userId, status: 'accepted', devices };
      accepted.set(userId, result);
      return result;
    });
    return { fitting, results };
  }

  #store({ device, envelope, stranger }: FittingMail, { acceptedAt, expiresAt }: MailAppend): void {
    const seq = ++this.#lastSeq;
    const secret = this.#secrets.next();
    this.#insert.run(seq, device, secret, acceptedAt, expiresAt, envelope, stranger ? 1 : 0);
    if (!this.#live.has(device)) return;
    const entry = { seq, deliveryId: deliveryIdOf(seq, secret), expiresAt, size: envelope.length, stranger, envelope };
    this.#stored.push({ device, entry });
  }

  /** Deletes rows that memory knows to be there; that they are not would be damage, and then everything is read from the table again. */
  #deleteKnown(device: number, first: number, last: number): void {
    if (last < first) return;
    const { changes } = this.#deleteRun.run(first, last, device);
    if (changes !== last - first + 1) throw new Error('the mailbox in memory is not the one on disk');
  }
}
