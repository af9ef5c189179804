import type { CancelTimer, Timers } from '../ports/timers.ts';

/** How long a result may take on an open stream, in milliseconds: far beyond what a slow network needs for a full window. */
const longestWaitMs = 120_000;

/** Notices when a send stays without a result though the stream is open: whatever has lost it, on a new stream the same send is asked for again. */
export class ResultWatch {
  private readonly timers: Timers;
  private readonly oldest: () => string | undefined;
  private readonly onOverdue: () => void;
  private cancel: CancelTimer | undefined;

  /**
   * @param oldest the send that has waited longest for its result
   * @param onOverdue it has waited for two minutes at least, for four at most
   */
  constructor(parts: {
    readonly timers: Timers;
    readonly oldest: () => string | undefined;
    readonly onOverdue: () => void;
  }) {
    this.timers = parts.timers;
    this.oldest = parts.oldest;
    this.onOverdue = parts.onOverdue;
  }

  /** Something was sent. */
  start(): void {
    if (this.cancel !== undefined) return;
    const seen = this.oldest();
    if (seen === undefined) return;
    this.cancel = this.timers.after(longestWaitMs, () => {
      this.cancel = undefined;
      if (this.oldest() === seen) this.onOverdue();
      else this.start();
    });
  }

  /** Nothing is waited for any more. */
  stop(): void {
    this.cancel?.();
    this.cancel = undefined;
  }
}
