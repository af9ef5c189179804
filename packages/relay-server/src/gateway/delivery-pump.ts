import type { Clock } from '../ports/clock.ts';
import type { MailEntry, MailReader } from '../ports/mailbox.ts';
import type { CancelTimer, Timers } from '../ports/timers.ts';

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
  readonly timers: Timers;
  /** How long the end of what can be read is not taken for the end of what was stored, while less has come: mail may be on its way from another node. 0: it is the end. */
  readonly patienceMs: number;
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
  #isPatient: boolean;
  #cancelPatience: CancelTimer | undefined;
  #reading = false;
  #hinted = false;
  #stopped = false;

  constructor(parts: DeliveryPumpParts) {
    this.#parts = parts;
    this.#isPatient = parts.patienceMs > 0;
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
    this.#cancelPatience?.();
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
    const { storedAtOpening, queueEmpty } = this.#parts;
    if (this.#caughtUp) return;
    if (this.#delivered < storedAtOpening) {
      if (!sawEnd) return;
      if (this.#isPatient) {
        this.#waitPatiently();
        return;
      }
    }
    this.#caughtUp = true;
    this.#cancelPatience?.();
    queueEmpty();
  }

  #waitPatiently(): void {
    const { timers, patienceMs } = this.#parts;
    this.#cancelPatience ??= timers.after(patienceMs, () => {
      this.#isPatient = false;
      this.hint();
    });
  }

  #mayRead(): boolean {
    return this.#inFlight < this.#parts.window && this.#parts.takesMore();
  }
}

function keyOf(id: Uint8Array): string {
  return Buffer.from(id.buffer, id.byteOffset, id.byteLength).toString('latin1');
}
