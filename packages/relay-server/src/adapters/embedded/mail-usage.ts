import type { Statement } from 'better-sqlite3';
import type { RelayDatabase } from './relay-database.ts';

/** What a device's mailbox holds now. */
export interface Held {
  count: number;
  bytes: number;
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
      'SELECT count(*) AS count, coalesce(sum(length(envelope)), 0) AS bytes FROM mail INDEXED BY mail_by_device WHERE device = ?',
    );
    database.whenUndone(() => this.#held.clear());
  }

  /** What the mailbox with this key holds; whoever stores an entry in the same turn adds it here. */
  of(device: number): Held {
    const known = this.#held.get(device);
    if (known !== undefined) return known;
    const counted = this.#count.get(device) ?? { count: 0, bytes: 0 };
    if (this.#held.size >= remembered) this.#held.clear();
    this.#held.set(device, counted);
    return counted;
  }

  /** Notes one entry that went, inside the transaction that deleted it. */
  went(device: number, bytes: number): void {
    const held = this.#held.get(device);
    if (held === undefined) return;
    held.count--;
    held.bytes -= bytes;
  }
}
