import { dayOf } from '../platform/utc-day.ts';
import type { Holder } from '../ports/presence.ts';
import type { DeliveryKey, DeviceKey, LaneId, LaneMail } from './delivery-lane.ts';
import type { HandOver, HandOverStatus, NodeMessage } from './hand-over.ts';
import { ackedTo, type InboxLane, newInboxLane, type Unacked, type Waiter } from './inbox-lane.ts';

/** How much a stream has in flight, and how often it looks. */
export interface InboxTerms {
  /** The most deliveries without an ack. */
  readonly window: number;
  /** With so many bytes delivered without an ack nothing more is taken; what is in memory for a stream is bounded by these and one page, or one hand-over, more. */
  readonly windowBytes: number;
  /** The most rows of one page. */
  readonly page: number;
  /** Lanes that are remembered at most though nothing is in flight in them; more than are in use at once, or they drive each other out. */
  readonly lanes: number;
  /** Acks ahead of their delivery that are remembered at most, in each lane. */
  readonly ahead: number;
  /** Presence is checked and Cassandra read after so many ms, and up to as many more by jitter. */
  readonly lookMs: number;
  /** What failed is tried again after so many ms; the jitter takes up to half of it away. */
  readonly retryMs: number;
  /** A claim that took longer than this says nothing about which login was the last. */
  readonly loginMs: number;
  /** How far clocks of nodes may differ before a hand-over is refused that is not late. */
  readonly skewMs: number;
}

/** What relays use. */
export const inboxTerms: InboxTerms = {
  window: 256,
  windowBytes: 4 * 1024 * 1024,
  page: 64,
  lanes: 1_024,
  ahead: 1_024,
  lookMs: 30_000,
  retryMs: 2_000,
  loginMs: 1_000,
  skewMs: 5_000,
};

/** What lies in Cassandra of one lane of a device. */
export interface StoredSpan {
  readonly lane: LaneId;
  /** The lowest and the highest offset, over all days. */
  readonly first: number;
  readonly last: number;
  readonly days: readonly number[];
}

/**
 * What a stream wants done.
 * - `release`: gives presence up if it still has this epoch; after that, whom the claim had `displaced` is sent a `vacated`.
 * - `read-spans`: the cursors of the device and, of each lane with rows, lowest and highest offset, at LOCAL_QUORUM. Every row that was durable before the effect is in it.
 * - `read-page`: rows of one lane with `after` < ko <= `upTo`, ascending by ko over all days (a clock that went back may have put a later record into an earlier day), unexpired, at most `limit`.
 * - `forget-up-to`: writes the cursor (device, lane) = `upTo` USING TIMESTAMP upTo, *then* deletes the range ko <= `upTo` in each of the days. `forget-one`: deletes one row.
 *   Deletes are USING TIMESTAMP the last microsecond of the row's day: over every spill of it, which has the record's time, and over none of a later day.
 */
export type InboxEffect =
  | { readonly kind: 'claim'; readonly device: DeviceKey }
  | { readonly kind: 'check-presence'; readonly device: DeviceKey; readonly epoch: string }
  | {
      readonly kind: 'release';
      readonly device: DeviceKey;
      readonly epoch: string;
      readonly displaced: Holder | undefined;
    }
  | { readonly kind: 'read-spans'; readonly device: DeviceKey }
  | {
      readonly kind: 'read-page';
      readonly device: DeviceKey;
      readonly lane: LaneId;
      readonly after: number;
      readonly upTo: number;
      readonly limit: number;
    }
  | { readonly kind: 'deliver'; readonly key: DeliveryKey; readonly mail: LaneMail; readonly live: boolean }
  | { readonly kind: 'queue-empty' }
  | { readonly kind: 'send'; readonly node: string; readonly message: Exclude<NodeMessage, HandOver> }
  | {
      readonly kind: 'forget-up-to';
      readonly device: DeviceKey;
      readonly lane: LaneId;
      readonly upTo: number;
      readonly days: readonly number[];
    }
  | { readonly kind: 'forget-one'; readonly device: DeviceKey; readonly key: DeliveryKey }
  | { readonly kind: 'close'; readonly reason: 'replaced' | 'reconnect' };

/** A reading of what is stored, from the spans over the pages of each lane. */
export interface CatchUp {
  /** Lanes that are still to be read, each up to where it reached when the reading began. */
  readonly left: { readonly lane: LaneId; readonly upTo: number }[];
  /** The page that was asked for; its rows have their room in the window. */
  asked: 'spans' | number | undefined;
}

/** One device's stream at one node. */
export interface DeviceInbox {
  readonly device: DeviceKey;
  /** Where the stream is. */
  readonly node: string;
  openedAt: number;
  /** Undefined until presence was claimed: until then no hand-over is for this stream. */
  epoch: string | undefined;
  claiming: 'login' | 'reclaim' | undefined;
  /** What came while a claim was under way, of epochs that may be this one's: the last few. */
  readonly overtaken: { readonly epoch: string; readonly by: 'login' | 'reclaim' | 'nobody' }[];
  closed: boolean;
  readonly lanes: Map<LaneId, InboxLane>;
  /** Deliveries without an ack, over all lanes. */
  inFlight: number;
  /** Their bytes. */
  inFlightBytes: number;
  /** The largest row of the page that was read last. */
  rowBytes: number;
  catchUp: CatchUp | undefined;
  /** There may be rows that the reading under way does not see: read again after it. */
  again: boolean;
  /** Not before: a reading has failed. */
  readAt: number;
  lookAt: number;
  toldEmpty: boolean;
}

/** The stream's view of a lane, made when it is new. */
export function laneView(inbox: DeviceInbox, lane: LaneId): InboxLane {
  const known = inbox.lanes.get(lane);
  if (known !== undefined) return known;
  const made = newInboxLane(lane);
  inbox.lanes.set(lane, made);
  return made;
}

/** How many deliveries more the stream takes now. */
export function roomOf({ inFlight, inFlightBytes }: DeviceInbox, { window, windowBytes }: InboxTerms): number {
  return inFlightBytes < windowBytes ? window - inFlight : 0;
}

/** A delivery is acked. */
export function endDelivery(inbox: DeviceInbox, { size }: Unacked): void {
  inbox.inFlight--;
  inbox.inFlightBytes -= size;
}

/** Gives a record to the client: always the next of its lane. */
export function deliver(
  inbox: DeviceInbox,
  view: InboxLane,
  mail: LaneMail,
  waiter: Waiter | undefined,
  out: InboxEffect[],
): void {
  const day = dayOf(mail.time);
  view.frontier = mail.ko;
  const size = mail.envelope.length;
  view.unacked.push({ ko: mail.ko, day, size, waiter });
  inbox.inFlight++;
  inbox.inFlightBytes += size;
  out.push({ kind: 'deliver', key: { lane: view.lane, ko: mail.ko, day }, mail, live: waiter !== undefined });
}

/** Answers a hand-over. */
export function answer(
  inbox: DeviceInbox,
  lane: LaneId,
  ko: number,
  { node, call }: Waiter,
  status: HandOverStatus,
  out: InboxEffect[],
): void {
  out.push({ kind: 'send', node, message: { kind: 'answer', call, device: inbox.device, lane, ko, status } });
}

/**
 * Deletes what is acked, bounded by it: once all rows of the lane that are known are acked, after each window of acks, and when the stream ends.
 * Live deliveries leave no rows, so that they cause no delete either.
 */
export function forgetWhatIsAcked(
  inbox: DeviceInbox,
  view: InboxLane,
  now: number,
  terms: InboxTerms,
  out: InboxEffect[],
): void {
  if (view.storedTo < 0 || view.forgetting !== undefined) return;
  // At the end of the stream it is tried at once: nobody wakes it afterwards.
  if (!inbox.closed && now < view.forgetAt) return;
  const upTo = ackedTo(view);
  const all = upTo >= view.storedTo;
  if (!all && view.ackedRows < (inbox.closed ? 1 : terms.window)) return;
  if (upTo < 0) return;
  view.forgetting = upTo;
  view.ackedRows = 0;
  out.push({ kind: 'forget-up-to', device: inbox.device, lane: view.lane, upTo, days: [...view.days] });
}
