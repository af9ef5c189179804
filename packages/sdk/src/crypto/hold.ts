import type { GroupId } from '../ports/ids.ts';
import type { HeldReason } from '../ports/inbox-records.ts';
import type { Overlay } from './overlay.ts';

/** What is kept of an envelope that is held, beside its reason. */
export interface HoldOptions {
  readonly cause?: unknown;
  /** The group that it belongs to: it is tried again when more of that is known. */
  readonly groupId?: GroupId;
  /** Writes down what was learnt, in the operation that holds the envelope, under the locks of the one that failed. */
  readonly note?: (overlay: Overlay) => Promise<void>;
}

/** Thrown while an envelope is opened: it is to be held, for this reason. Never leaves the inbox. */
export class Hold extends Error {
  override readonly name = 'Hold';
  readonly reason: HeldReason;
  readonly groupId: GroupId | undefined;
  readonly note: ((overlay: Overlay) => Promise<void>) | undefined;

  constructor(reason: HeldReason, { cause, groupId, note }: HoldOptions = {}) {
    super(`the envelope is held: ${reason}`, cause === undefined ? undefined : { cause });
    this.reason = reason;
    this.groupId = groupId;
    this.note = note;
  }
}
