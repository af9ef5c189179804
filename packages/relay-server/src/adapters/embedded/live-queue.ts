import type { MailEntry } from '../../ports/mailbox.ts';
import { joined } from '../joined.ts';

/** One entry that was stored while its device was live. */
export interface LiveEntry {
  readonly seq: number;
  readonly deliveryId: Uint8Array;
  readonly expiresAt: number;
  readonly size: number;
  /** Whether it counts against the strangers' quota. */
  readonly stranger: boolean;
  /** Gone as soon as the entry was given, or is not to be given any more. */
  envelope: Uint8Array | undefined;
  /** What follows the envelope; goes with it. */
  shared: Uint8Array | undefined;
  /** The key of the end that it shares with others. */
  readonly sharedId: number | undefined;
}

/** The most entries that wait to be given. */
const mostWaiting = 512;
/** The most bytes that wait to be given. */
const mostBytes = 1024 * 1024;
/** The most entries of which it is remembered that they were not acked: more than may wait, so that those that wait are all among them. */
const mostUnacked = 1024;

/**
 * What was stored for one device since a reader of it had come to the end of its mailbox.
 *
 * Holds a part of what the table holds, never anything else: whoever changes the table changes it here too, or drops the queue.
 */
export class LiveQueue {
  /** The reader that came to the end. */
  readonly owner: object;
  /** Whether the reader has come to the end: before that it is only remembered here what it was given from the table. */
  isLive = false;
  /** Made when the first entry comes: most devices that are live get no mail for a long time. */
  #unacked: Map<number, LiveEntry> | undefined;
  #waiting: LiveEntry[] = [];
  #taken = 0;
  #bytes = 0;

  constructor(owner: object) {
    this.owner = owner;
  }

  /** Bytes that wait to be given. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Adds what was stored last; false when it is too much, and then the queue has to be dropped. */
  add(entry: LiveEntry): boolean {
    this.#waiting.push(entry);
    this.#bytes += entry.size;
    this.#remember(entry);
    return this.#waiting.length - this.#taken <= mostWaiting && this.#bytes <= mostBytes;
  }

  /** Notes what was given from the table, so that its ack needs no look at it. */
  given(entry: LiveEntry): void {
    this.#remember(entry);
  }

  /** The oldest that were not given yet, but for those that were acked or have expired at `now`; `reached` hears how far it went. */
  take(limit: number, now: number, reached: (seq: number) => void): MailEntry[] {
    const entries: MailEntry[] = [];
    while (entries.length < limit) {
      const entry = this.#waiting[this.#taken];
      if (entry === undefined) break;
      this.#taken++;
      reached(entry.seq);
      const { envelope, shared, deliveryId } = entry;
      if (envelope === undefined) continue;
      this.#letGo(entry);
      if (entry.expiresAt > now) entries.push({ deliveryId, envelope: joined(envelope, shared) });
    }
    if (this.#taken === this.#waiting.length) {
      this.#waiting = [];
      this.#taken = 0;
    } else if (this.#taken >= mostWaiting) {
      this.#waiting = this.#waiting.slice(this.#taken);
      this.#taken = 0;
    }
    return entries;
  }

  /** Takes out the entry with this id, given or not, and gives it; `undefined` when it isn't known here, though the table may have it. */
  ack(seq: number, deliveryId: Uint8Array): LiveEntry | undefined {
    const entry = this.#unacked?.get(seq);
    if (entry === undefined || !isSame(entry.deliveryId, deliveryId)) return undefined;
    this.#remove(entry);
    return entry;
  }

  /** Takes out what was deleted from the table. */
  gone(seq: number): void {
    const entry = this.#unacked?.get(seq);
    if (entry !== undefined) this.#remove(entry);
  }

  #remember(entry: LiveEntry): void {
    this.#unacked ??= new Map();
    this.#unacked.set(entry.seq, entry);
    if (this.#unacked.size <= mostUnacked) return;
    for (const oldest of this.#unacked.keys()) {
      this.#unacked.delete(oldest);
      break;
    }
  }

  #remove(entry: LiveEntry): void {
    this.#unacked?.delete(entry.seq);
    this.#letGo(entry);
  }

  #letGo(entry: LiveEntry): void {
    if (entry.envelope === undefined) return;
    entry.envelope = undefined;
    entry.shared = undefined;
    this.#bytes -= entry.size;
  }
}

function isSame(one: Uint8Array, other: Uint8Array): boolean {
  if (one.length !== other.length) return false;
  for (let at = 0; at < one.length; at++) if (one[at] !== other[at]) return false;
  return true;
}
