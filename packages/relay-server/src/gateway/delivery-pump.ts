import type { Clock } from '../ports/clock.ts';
import type { MailEntry, MailReader } from '../ports/mailbox.ts';

/** The most entries of one read: bounds the memory that a reading takes. */
const readAtOnce = 64;

/** What a `DeliveryPump` works with. */
export interface DeliveryPumpParts {
  readonly reader: MailReader;
  readonly clock: Clock;
  /** The most deliveries without an ack. */
  readonly window: number;
  /** How much mail was stored when the stream opened, at least. */
  readonly storedAtOpening: number;
  /** Whether the stream takes more now: false when it reads too slowly. */
  readonly takesMore: () => boolean;
  readonly deliver: (entry: MailEntry) => void;
  readonly queueEmpty: () => void;
  readonly failed: (error: unknown) => void;
}

/**
 * Carries one device's mail to its stream: what is stored, then what comes.
 *
 * The mailbox is the truth and a hint only says: look. One read runs at a time; a hint that comes during a read causes another, so that nothing
 * is passed over between catching up and live.
 */
export class DeliveryPump {
  readonly #parts: DeliveryPumpParts;
  /** Made with the first delivery: most streams are idle. */
  #unacked: Set<string> | undefined;
  /** Read, but not delivered yet, since the stream took no more. */
  #held: readonly MailEntry[] = [];
  #delivered = 0;
  #caughtUp = false;
  #reading = false;
  #hinted = false;
  #stopped = false;

  constructor(parts: DeliveryPumpParts) {
    this.#parts = parts;
  }

  /** There may be something to deliver, or room to deliver it. */
  hint(): void {
    if (this.#reading) {
      this.#hinted = true;
      return;
    }
    this.#hinted = false;
    if (this.#stopped || !this.#mayRead()) return;
    this.#reading = true;
    this.#read().then(
      () => {
        this.#reading = false;
        // A hint may have come after the last look.
        if (this.#hinted) this.hint();
      },
      (error: unknown) => {
        this.#reading = false;
        this.#parts.failed(error);
      },
    );
  }

  /** These were acked: makes room. Gives how many of them had been delivered by this pump. */
  acked(deliveryIds: readonly Uint8Array[]): number {
    let known = 0;
    for (const id of deliveryIds) if (this.#unacked?.delete(keyOf(id))) known++;
    if (known > 0) this.hint();
    return known;
  }

  /** Delivers nothing more. */
  stop(): void {
    this.#stopped = true;
  }

  async #read(): Promise<void> {
    const { reader, clock, window } = this.#parts;
    while (!this.#stopped && this.#mayRead()) {
      if (this.#held.length > 0) {
        this.#deliverHeld();
        continue;
      }
      this.#hinted = false;
      const limit = Math.min(window - this.#inFlight, readAtOnce);
      this.#held = await reader.next(limit, clock.now());
      if (this.#stopped) return;
      const sawEnd = this.#held.length < limit;
      this.#deliverHeld();
      if (this.#held.length === 0) this.#noticeCaughtUp(sawEnd);
      if (sawEnd && this.#held.length === 0 && !this.#hinted) return;
    }
  }

  get #inFlight(): number {
    return this.#unacked?.size ?? 0;
  }

  #deliverHeld(): void {
    if (this.#held.length === 0) return;
    let given = 0;
    this.#unacked ??= new Set();
    for (const entry of this.#held) {
      if (!this.#mayRead()) break;
      this.#unacked.add(keyOf(entry.deliveryId));
      this.#parts.deliver(entry);
      given++;
    }
    this.#delivered += given;
    this.#held = given === this.#held.length ? [] : this.#held.slice(given);
  }

  /** A short read saw the end of what was stored; and what was stored at the opening comes first, so counting it is as good. */
  #noticeCaughtUp(sawEnd: boolean): void {
    if (this.#caughtUp || !(sawEnd || this.#delivered >= this.#parts.storedAtOpening)) return;
    this.#caughtUp = true;
    this.#parts.queueEmpty();
  }

  #mayRead(): boolean {
    return this.#inFlight < this.#parts.window && this.#parts.takesMore();
  }
}

function keyOf(id: Uint8Array): string {
  return Buffer.from(id.buffer, id.byteOffset, id.byteLength).toString('latin1');
}
