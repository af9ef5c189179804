import type { UserId } from '../ports/ids.ts';
import type { CancelTimer, Timers } from '../ports/timers.ts';

/** How long receipts for messages of groups are gathered, in milliseconds: many members write at once, and each receipt is a message of its own. */
const restMs = 5_000;

/** Lets receipts rest in the queues where they stand, so that many ids leave as one. They are in the store: what is lost here leaves with whatever wakes the queue next. */
export class ReceiptRest {
  private readonly timers: Timers;
  private readonly onOver: (userId: UserId) => void;
  private readonly resting = new Set<UserId>();
  private cancel: CancelTimer | undefined;

  constructor(parts: {
    readonly timers: Timers;
    /** Receipts to this person may leave. */
    readonly onOver: (userId: UserId) => void;
  }) {
    this.timers = parts.timers;
    this.onOver = parts.onOver;
  }

  /** Receipts to this person stand in the outbox. */
  add(userId: UserId): void {
    this.resting.add(userId);
    this.cancel ??= this.timers.after(restMs, () => this.end());
  }

  /** Lets all that rests leave now. */
  end(): void {
    this.stop();
    const over = [...this.resting];
    this.resting.clear();
    for (const one of over) this.onOver(one);
  }

  /** Idempotent. */
  stop(): void {
    this.cancel?.();
    this.cancel = undefined;
  }
}
