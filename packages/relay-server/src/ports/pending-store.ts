import type { DeviceKey, LaneId } from './ids.ts';

/** The longest that mail is kept, from its acceptance on, in milliseconds: 30 days. */
export const longestPendingMs = 30 * 86_400_000;

/** What one record of a lane carries to one device. */
export interface PendingMail {
  /** The record's offset, from 0 and below 2^53: names it within its lane, and orders it. */
  readonly ko: number;
  /** When the log took it, milliseconds since the Unix epoch: the same whenever and by whomever it is spilled. Its UTC day is where it is kept. */
  readonly time: number;
  /** At most {@link longestPendingMs} later. */
  readonly expiresAt: number;
  readonly envelope: Uint8Array;
}

/** Mail that could not be handed over. */
export interface PendingRow extends PendingMail {
  readonly device: DeviceKey;
  readonly lane: LaneId;
}

/** Up to where a lane of a device is acked. */
export interface PendingCursor {
  readonly lane: LaneId;
  readonly ko: number;
}

/** Within which bounds something may lie of one lane: nothing is below `first`, above `last` or on another day; what is between may be gone. */
export interface PendingSpan {
  readonly lane: LaneId;
  readonly first: number;
  readonly last: number;
  /** UTC days since the Unix epoch, ascending. */
  readonly days: readonly number[];
}

/** What is kept for a device, in the order of the lanes' names. A span that ends at or below its lane's cursor is of mail that is acked, and still to be deleted. */
export interface PendingView {
  readonly cursors: readonly PendingCursor[];
  readonly spans: readonly PendingSpan[];
}

/** Which mail of a lane is wanted: `after` < ko <= `upTo`, alive at `now`, at most `limit`. */
export interface PendingPage {
  readonly device: DeviceKey;
  readonly lane: LaneId;
  readonly after: number;
  readonly upTo: number;
  readonly limit: number;
  readonly now: number;
}

/** Where one mail is kept. */
export interface PendingPlace {
  readonly lane: LaneId;
  readonly ko: number;
  /** The UTC day of its time, counted from the Unix epoch. */
  readonly day: number;
}

/**
 * Mail of a cluster that waits for its device, beside the log: written by dispatchers (*spilled*) when it could not be handed over, read by the node that has the device's stream.
 *
 * Dispatchers die, wake up late and repeat themselves, and so do nodes: nothing here may hang on who comes first. The outcome of any calls, in any order and repeated at any time, is the same: mail at or below its lane's cursor, forgotten by itself or of a device that is forgotten is never given, also when it is spilled afterwards; all other mail is, until it expires. No clock but those of the arguments decides it.
 * Whoever reads relies on one thing more: when a view says that a lane goes up to `last`, that mail was durable before, and all mail whose `spill` had ended.
 * @throws {RelayError} `store-unavailable` (retryable) from all methods: what was to be done may be done, in part; do it again
 */
export interface PendingStore {
  /** Durable, and in every later view, when it resolves. Mail that has expired at `now` is left out. Bytes that were passed in are not changed by the caller afterwards. */
  spill(rows: readonly PendingRow[], now: number): Promise<void>;
  view(device: DeviceKey): Promise<PendingView>;
  /** In the order of the offsets, whatever their days. Fewer than `limit` only when there are no more. What became visible since the view may be given as well, or not. */
  page(page: PendingPage): Promise<readonly PendingMail[]>;
  /** The device has all of the lane up to here: moves the cursor, never back, then deletes what is at or below it, and nothing above. */
  forgetUpTo(device: DeviceKey, lane: LaneId, upTo: number): Promise<void>;
  /** The device has this one, whatever it has of those before. */
  forgetOne(device: DeviceKey, place: PendingPlace): Promise<void>;
  /** The device is not listed any more: nothing of it is given, or kept for longer than it would have been. Its cursors are gone. */
  forget(device: DeviceKey): Promise<void>;
}
