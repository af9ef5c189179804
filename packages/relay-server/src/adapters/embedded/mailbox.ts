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
import { joined } from '../joined.ts';
import { breakOrder, endOrder, refusalBehind } from '../lane-order.ts';
import { receiptRetentionMs } from '../retention.ts';
import { DeliverySecrets, deliveryIdOf, secretOf, seqOf } from './delivery-id.ts';
import type { DeviceRows } from './device-rows.ts';
import { EmbeddedReader, type ReadFor } from './embedded-reader.ts';
import { LiveMail } from './live-mail.ts';
import type { LiveEntry } from './live-queue.ts';
import { countIn, countOut, type Held, hasRoom, MailUsageBook } from './mail-usage.ts';
import { ReceiptRows } from './receipt-rows.ts';
import type { RelayDatabase } from './relay-database.ts';
import { SharedRows } from './shared-rows.ts';

interface MailRow {
  readonly seq: number;
  readonly secret: Buffer;
  readonly expiresAt: number;
  readonly stranger: number;
  readonly envelope: Buffer;
  readonly shared: number | null;
}

/** An envelope for which there is room, and which is counted already. */
interface FittingMail {
  readonly device: number;
  readonly held: Held;
  readonly envelope: Uint8Array;
  /** With its shared end. */
  readonly size: number;
  readonly stranger: boolean;
}

/** What is known of a row that went: `stranger` is 0 or 1. */
interface GoneRow {
  readonly size: number;
  readonly stranger: number;
  readonly shared: number | null;
}

/** Stands in the receipts of sealed sends where others have the key of their device: no device has it, and so none of them goes with a device. */
const noSender = 0;

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
  readonly #shared: SharedRows;
  readonly #live = new LiveMail();
  readonly #readFor: ReadFor = (reader, limit, now) => this.#read(reader, limit, now);
  /** Stored for live devices in the transaction that is under way. */
  #stored: { readonly device: number; readonly entry: LiveEntry }[] = [];
  /** Never goes back while the process lives, so that no reader has passed a number that is given later. */
  #lastSeq: number;
  readonly #insert: Statement<[number, number, Uint8Array, number, number, Uint8Array, number]>;
  readonly #insertShared: Statement<[number, number, Uint8Array, number, number, Uint8Array, number, number, number]>;
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
    this.#shared = new SharedRows(database);
    const stored = sql.prepare<[], { last: number }>('SELECT coalesce(max(seq), 0) AS last FROM mail').get()?.last;
    this.#lastSeq = Math.max(stored ?? 0, this.#shared.lastId);
    this.#insert = sql.prepare(
      'INSERT INTO mail (seq, device, secret, accepted_at, expires_at, envelope, stranger) VALUES (?, ?, ?, ?, ?, ?, ?)',
    );
    this.#insertShared = sql.prepare(
      `INSERT INTO mail (seq, device, secret, accepted_at, expires_at, envelope, stranger, shared, shared_size)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    );
    this.#next = sql.prepare(
      `SELECT seq, secret, expires_at AS expiresAt, stranger, envelope, shared FROM mail INDEXED BY mail_by_device
       WHERE device = ? AND seq > ? AND expires_at > ? ORDER BY seq LIMIT ?`,
    );
    this.#delete = sql.prepare(
      `DELETE FROM mail WHERE seq = ? AND device = ? AND secret = ?
       RETURNING length(envelope) + shared_size AS size, stranger, shared`,
    );
    this.#deleteRun = sql.prepare('DELETE FROM mail WHERE seq BETWEEN ? AND ? AND device = ?');
    this.#oldest = sql.prepare(
      'SELECT accepted_at AS acceptedAt FROM mail INDEXED BY mail_by_device WHERE device = ? ORDER BY seq LIMIT 1',
    );
    this.#expire = sql.prepare(
      `DELETE FROM mail WHERE seq IN (SELECT seq FROM mail INDEXED BY mail_by_end WHERE expires_at <= ? LIMIT ?)
       RETURNING seq, device, length(envelope) + shared_size AS size, stranger, shared`,
    );
    devices.whenRemoved((device) => {
      this.#shared.removeOf(device);
      this.#live.drop(device);
    });
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
      const refusal = refusalBehind(order);
      if (refusal !== undefined) throw refusal;
      const receipt = this.#append(append, quota);
      endOrder(append, receipt);
      return receipt;
    };
    if (order === undefined) return this.#database.write('append', work);
    return this.#database.write('append', work, () => breakOrder(order));
  }

  recorded(sender: DeviceAddress | undefined, sendId: Uint8Array): Promise<MailReceipt | undefined> {
    return this.#database.read(() => {
      const device = sender === undefined ? noSender : this.#devices.find(sender);
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
      let pointed: Set<number> | undefined;
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
        const shared = known === undefined ? gone.shared : known.sharedId;
        if (typeof shared === 'number') pointed = (pointed ?? new Set()).add(shared);
        deleted++;
      }
      this.#deleteKnown(id, first, last);
      if (pointed !== undefined) this.#shared.removeUnpointed(pointed);
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
        const pointed = new Set<number>();
        for (const { seq, device, size, stranger, shared } of rows) {
          this.#usage.went(device, size, stranger === 1);
          this.#live.gone(device, seq);
          if (shared !== null) pointed.add(shared);
        }
        this.#shared.removeUnpointed(pointed);
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
      const entries: MailEntry[] = [];
      const given: LiveEntry[] = [];
      let wanted: number;
      let found: number;
      // Once, unless an end was lost: a short answer has to mean that there is no more.
      do {
        wanted = limit - entries.length;
        const rows = this.#next.all(id, reader.given, now, wanted);
        found = rows.length;
        reader.given = rows.at(-1)?.seq ?? reader.given;
        for (const { seq, secret, expiresAt, stranger, envelope, shared } of rows) {
          const deliveryId = deliveryIdOf(seq, secret);
          const sharedId = shared ?? undefined;
          const end = sharedId === undefined ? undefined : this.#shared.body(sharedId);
          if (sharedId !== undefined && end === undefined) continue;
          const whole = joined(envelope, end);
          entries.push({ deliveryId, envelope: whole });
          const size = whole.length;
          const of = { seq, deliveryId, expiresAt, size, stranger: stranger === 1 };
          given.push({ ...of, envelope: undefined, shared: undefined, sharedId });
        }
      } while (found === wanted && entries.length < limit);
      if (given.length > 0) this.#live.given(id, reader, given);
      if (found < wanted) this.#live.begin(id, reader);
      return entries;
    });
  }

  #append(append: MailAppend, quota: MailQuota): MailReceipt {
    const { sendId, recipients, shared, acceptedAt, expiresAt } = append;
    const sharedSize = shared?.length ?? 0;
    for (const { userId } of recipients) this.#devices.bytesOf(userId);
    const fresh = { acceptedAt, expiresAt, results: new Map<UserId, MailResult>() };
    const sender = append.sender === undefined ? noSender : this.#devices.admit(append.sender);
    if (sender === undefined) {
      return { repeated: false, acceptedAt, expiresAt, results: recipients.map(goneResult) };
    }
    const { fitting, results } = this.#fit(recipients, sharedSize, fresh.results, quota);
    // Almost always there is no record yet, and then making one is all that there is to do: nothing is looked up.
    if (fitting.length > 0 && this.#receipts.add(sender, sendId, fresh)) {
      this.#store(fitting, append);
      return { repeated: false, acceptedAt, expiresAt, results };
    }
    const recorded = this.#receipts.find(sender, sendId);
    if (recorded === undefined) return { repeated: false, acceptedAt, expiresAt, results };
    for (const { held, size, stranger } of fitting) countOut(held, size, stranger);
    const retried = this.#fit(recipients, sharedSize, recorded.results, quota);
    this.#store(retried.fitting, append);
    const repeated = retried.fitting.length === 0;
    if (!repeated) this.#receipts.update(sender, sendId, recorded);
    return { repeated, acceptedAt: recorded.acceptedAt, expiresAt: recorded.expiresAt, results: retried.results };
  }

  /** Finds room for the recipients that are not among `accepted`, counts it as taken, and adds to `accepted` those for whom there was some. */
  #fit(
    recipients: readonly MailRecipient[],
    sharedSize: number,
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
        const size = envelope.length + sharedSize;
        if (!hasRoom(held, size, stranger, quota)) return { deviceId, status: 'full' as const };
        countIn(held, size, stranger);
        fitting.push({ device, held, envelope, size, stranger });
        return { deviceId, status: 'accepted' as const };
      });
      if (fitting.length === others) return { userId, status: 'full', devices };
      const result: MailResult = { userId, status: 'accepted', devices };
      accepted.set(userId, result);
      return result;
    });
    return { fitting, results };
  }

  #store(fitting: readonly FittingMail[], { shared, acceptedAt, expiresAt }: MailAppend): void {
    // No number is given twice, so the first one names the end that all of them share.
    const sharedId = shared === undefined ? undefined : this.#lastSeq + 1;
    if (shared !== undefined && sharedId !== undefined && fitting.length > 0) this.#shared.add(sharedId, shared);
    for (const { device, envelope, size, stranger } of fitting) {
      const seq = ++this.#lastSeq;
      const secret = this.#secrets.next();
      const isStranger = stranger ? 1 : 0;
      if (shared === undefined || sharedId === undefined) {
        this.#insert.run(seq, device, secret, acceptedAt, expiresAt, envelope, isStranger);
      } else {
        const { length } = shared;
        this.#insertShared.run(seq, device, secret, acceptedAt, expiresAt, envelope, isStranger, sharedId, length);
      }
      if (!this.#live.has(device)) continue;
      const deliveryId = deliveryIdOf(seq, secret);
      const entry = { seq, deliveryId, expiresAt, size, stranger, envelope, shared, sharedId };
      this.#stored.push({ device, entry });
    }
  }

  /** Deletes rows that memory knows to be there; that they are not would be damage, and then everything is read from the table again. */
  #deleteKnown(device: number, first: number, last: number): void {
    if (last < first) return;
    const { changes } = this.#deleteRun.run(first, last, device);
    if (changes !== last - first + 1) throw new Error('the mailbox in memory is not the one on disk');
  }
}
