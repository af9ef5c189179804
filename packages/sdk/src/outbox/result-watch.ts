import type { CancelTimer, Timers } from '../ports/timers.ts';

/** A relay that is there has answered long before, in milliseconds. */
const slowAfterMs = 15_000;
/** How much longer a result may take on a stream that is open and alive: far beyond what a slow network needs for a full window. */
const overdueAfterMs = 105_000;

/** What `ResultWatch` works with. */
export interface ResultWatchParts {
  readonly timers: Timers;
  /** The send that has waited longest for its result. */
  readonly oldest: () => string | undefined;
  /** It has waited for 15 seconds at least: the stream may be dead, and should be asked. */
  readonly onSlow: () => void;
  /** It has waited for two minutes at least, whatever else came: the stream is no good. */
  readonly onOverdue: () => void;
}

/** Notices when a send stays without a result though the stream seems open: on a new stream the same send is asked for again. */
export class ResultWatch {
  private readonly parts: ResultWatchParts;
  private cancel: CancelTimer | undefined;

  constructor(parts: ResultWatchParts) {
    this.parts = parts;
  }

  /** Something was sent. */
  start(): void {
    const { oldest, onSlow, onOverdue } = this.parts;
    const send = oldest();
    if (this.cancel !== undefined || send === undefined) return;
    this.wait(slowAfterMs, send, () => {
      onSlow();
      this.wait(overdueAfterMs, send, onOverdue);
    });
  }

  /** Nothing is waited for any more. */
  stop(): void {
    this.cancel?.();
    this.cancel = undefined;
  }

  /** If the same send is still the oldest then, it is too late; otherwise results come, and it begins anew. */
  private wait(ms: number, send: string, tooLate: () => void): void {
    this.cancel = this.parts.timers.after(ms, () => {
      this.cancel = undefined;
      if (this.parts.oldest() === send) tooLate();
      else this.start();
    });
  }
}
