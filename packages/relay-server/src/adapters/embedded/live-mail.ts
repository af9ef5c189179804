import type { MailEntry } from '../../ports/mailbox.ts';
import { type LiveEntry, LiveQueue } from './live-queue.ts';

/** The most bytes that wait in all queues together. */
const mostBytes = 64 * 1024 * 1024;
/** The most devices that are live at once: about 20 MiB. */
const mostDevices = 100_000;

/**
 * Devices whose reader has come to the end of the mailbox, with what was stored for them since: their mail is given without being read back.
 * Before that it holds what the reader was given, so that acks delete without looking.
 *
 * The table stays the truth. Any queue may be dropped at any time: its reader then goes on in the table, from where it was, until it has come to the end again.
 * One reader a device: when another comes to the end, the first goes back to the table.
 */
export class LiveMail {
  /** By the key of the device; the one that was read last comes last. */
  readonly #queues = new Map<number, LiveQueue>();
  #bytes = 0;

  /** A reader has given all that is committed for the device. */
  begin(device: number, reader: object): void {
    this.#ofReader(device, reader).isLive = true;
  }

  /** A reader has given these from the table. */
  given(device: number, reader: object, entries: readonly LiveEntry[]): void {
    const queue = this.#ofReader(device, reader);
    for (const entry of entries) queue.given(entry);
  }

  /** Whether a device is live, whoever reads it. */
  has(device: number): boolean {
    return this.#queues.get(device)?.isLive ?? false;
  }

  /** The next entries for this reader; `undefined` when it has to look into the table. `reached` hears how far it went. */
  take(
    device: number,
    reader: object,
    limit: number,
    now: number,
    reached: (seq: number) => void,
  ): MailEntry[] | undefined {
    const queue = this.#queues.get(device);
    if (queue?.owner !== reader || !queue.isLive) return undefined;
    this.#queues.delete(device);
    this.#queues.set(device, queue);
    const before = queue.bytes;
    const entries = queue.take(limit, now, reached);
    this.#bytes += queue.bytes - before;
    return entries;
  }

  /** An entry is committed, and is the last one of its device. */
  add(device: number, entry: LiveEntry): void {
    const queue = this.#queues.get(device);
    if (queue?.isLive !== true) return;
    this.#bytes += entry.size;
    if (!queue.add(entry)) this.drop(device);
    while (this.#bytes > mostBytes) this.#dropOldest();
  }

  /** Takes out an acked entry and gives it; `undefined` when the table has to be asked. The caller deletes it from the table in the same turn. */
  ack(device: number, seq: number, deliveryId: Uint8Array): LiveEntry | undefined {
    const queue = this.#queues.get(device);
    if (queue === undefined) return undefined;
    const before = queue.bytes;
    const entry = queue.ack(seq, deliveryId);
    this.#bytes += queue.bytes - before;
    return entry;
  }

  /** An entry was deleted from the table. */
  gone(device: number, seq: number): void {
    const queue = this.#queues.get(device);
    if (queue === undefined) return;
    const before = queue.bytes;
    queue.gone(seq);
    this.#bytes += queue.bytes - before;
  }

  /** Sends the device's reader back to the table. */
  drop(device: number): void {
    this.#bytes -= this.#queues.get(device)?.bytes ?? 0;
    this.#queues.delete(device);
  }

  /** Sends all readers back to the table. */
  clear(): void {
    this.#queues.clear();
    this.#bytes = 0;
  }

  /** The queue of a device for this reader; that of another, or one that was live, gives way. */
  #ofReader(device: number, reader: object): LiveQueue {
    const known = this.#queues.get(device);
    if (known?.owner === reader && !known.isLive) return known;
    this.drop(device);
    if (this.#queues.size >= mostDevices) this.#dropOldest();
    const queue = new LiveQueue(reader);
    this.#queues.set(device, queue);
    return queue;
  }

  #dropOldest(): void {
    for (const device of this.#queues.keys()) {
      this.drop(device);
      return;
    }
  }
}
