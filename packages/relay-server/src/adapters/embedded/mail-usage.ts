import type { Statement } from 'better-sqlite3';
import type { MailQuota } from '../../ports/mailbox.ts';
import type { RelayDatabase } from './relay-database.ts';

/** What a device's mailbox holds now. */
export interface Held {
  count: number;
  bytes: number;
  /** Of these, what came from strangers. */
  strangerCount: number;
  strangerBytes: number;
}

/** Mailboxes whose usage is remembered: about 20 MiB. */
const remembered = 200_000;

/**
 * Counts and bytes by device, read from the table when a device is first asked for and kept up to date in memory.
 *
 * Right after a crash, since nothing of it is stored; right after a failed commit, since all of it is forgotten then.
 */
export class MailUsageBook {
  readonly #held = new Map<number, Held>();
  readonly #count: Statement<[number], Held>;

  constructor(database: RelayDatabase) {
    this.#count = database.sql.prepare(
      `SELECT count(*) AS count, coalesce(sum(length(envelope) + shared_size), 0) AS bytes,
         coalesce(sum(stranger), 0) AS strangerCount, coalesce(sum(stranger * (length(envelope) + shared_size)), 0) AS strangerBytes
       FROM mail INDEXED BY mail_by_device WHERE device = ?`,
    );
    database.whenUndone(() => this.#held.clear());
  }

  /** What the mailbox with this key holds; whoever stores an entry in the same turn adds it here. */
  of(device: number): Held {
    const known = this.#held.get(device);
    if (known !== undefined) return known;
    const counted = this.#count.get(device) ?? { count: 0, bytes: 0, strangerCount: 0, strangerBytes: 0 };
    if (this.#held.size >= remembered) this.#held.clear();
    this.#held.set(device, counted);
    return counted;
  }

  /** Notes one entry that went, inside the transaction that deleted it. */
  went(device: number, bytes: number, stranger: boolean): void {
    const held = this.#held.get(device);
    if (held !== undefined) countOut(held, bytes, stranger);
  }
}

/** Whether an entry finds room. */
export function hasRoom(held: Held, bytes: number, stranger: boolean, quota: MailQuota): boolean {
  return (
    held.count + 1 <= quota.count &&
    held.bytes + bytes <= quota.bytes &&
    (!stranger || (held.strangerCount + 1 <= quota.strangerCount && held.strangerBytes + bytes <= quota.strangerBytes))
  );
}

/** Notes one entry that comes. */
export function countIn(held: Held, bytes: number, stranger: boolean): void {
  held.count++;
  held.bytes += bytes;
  if (!stranger) return;
  held.strangerCount++;
  held.strangerBytes += bytes;
}

/** Notes one entry that goes, or that did not come after all. */
export function countOut(held: Held, bytes: number, stranger: boolean): void {
  held.count--;
  held.bytes -= bytes;
  if (!stranger) return;
  held.strangerCount--;
  held.strangerBytes -= bytes;
}
