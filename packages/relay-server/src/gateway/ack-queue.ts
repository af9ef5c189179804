import type { RelayCounts } from '../metrics/relay-counts.ts';
import type { Mailbox, MailDevice } from '../ports/mailbox.ts';

/** What an `AckQueue` works with. */
export interface AckQueueParts {
  readonly mailbox: Mailbox;
  readonly counts: RelayCounts;
}

/** Acks of one stream, gathered into as few deletions as possible. */
export class AckQueue {
  readonly #parts: AckQueueParts;
  readonly #device: () => MailDevice | undefined;
  readonly #onFailed: (error: unknown) => void;
  #waiting: Uint8Array[] = [];
  readonly #deleting = new Set<Promise<void>>();

  /** @param device whose acks they are; while that is not known they wait */
  constructor(parts: AckQueueParts, device: () => MailDevice | undefined, onFailed: (error: unknown) => void) {
    this.#parts = parts;
    this.#device = device;
    this.#onFailed = onFailed;
  }

  /** Takes ids; `flush` deletes them. */
  add(deliveryIds: readonly Uint8Array[]): void {
    for (const id of deliveryIds) this.#waiting.push(id);
  }

  /** Deletes what was added, in one call to the mailbox. */
  flush(): void {
    const device = this.#device();
    if (device === undefined || this.#waiting.length === 0) return;
    const ids = this.#waiting;
    this.#waiting = [];
    const deleting: Promise<void> = this.#parts.mailbox
      .ack(device, ids)
      .then((count) => this.#parts.counts.ackedEnvelopes.add(count), this.#onFailed)
      .then(() => {
        this.#deleting.delete(deleting);
      });
    this.#deleting.add(deleting);
  }

  /** Resolves when nothing is on its way; what waits to know its device is dropped with the stream, and comes again. */
  async settled(): Promise<void> {
    this.flush();
    while (this.#deleting.size > 0) await Promise.all(this.#deleting);
  }
}
