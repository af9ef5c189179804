import type { HeldReason } from '../ports/inbox-records.ts';

/** Thrown while an envelope is opened: it is to be held, for this reason. Never leaves the inbox. */
export class Hold extends Error {
  override readonly name = 'Hold';
  readonly reason: HeldReason;

  constructor(reason: HeldReason, options?: { cause?: unknown }) {
    super(`the envelope is held: ${reason}`, options);
    this.reason = reason;
  }
}
