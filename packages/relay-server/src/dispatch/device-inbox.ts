import type { Holder } from '../ports/presence.ts';
import { beginReading, isDirty, readAgain, readOn, takePage, takeSpans, tellAskers } from './catch-up.ts';
import type { DeliveryKey, DeviceKey, LaneId, LaneMail } from './delivery-lane.ts';
import type { HandOver, HandOverStatus } from './hand-over.ts';
import { ackedTo, unackedOf, type Waiter } from './inbox-lane.ts';
import {
  answer,
  type DeviceInbox,
  deliver,
  endDelivery,
  forgetWhatIsAcked,
  type InboxEffect,
  type InboxTerms,
  laneView,
  roomOf,
  type StoredSpan,
} from './inbox-state.ts';

/** What a stream learns. `presence-seen` answers `check-presence`; `failed` of a reading or a claim says that its outcome is not known. */
export type InboxEvent =
  | { readonly kind: 'opened' }
  | { readonly kind: 'claimed'; readonly epoch: string; readonly previous: Holder | undefined }
  | { readonly kind: 'claim-failed' }
  | { readonly kind: 'presence-seen'; readonly epoch: string; readonly holder: Holder | undefined }
  | {
      readonly kind: 'spans';
      readonly spans: readonly StoredSpan[];
      readonly cursors: readonly { readonly lane: LaneId; readonly ko: number }[];
    }
  | { readonly kind: 'page'; readonly lane: LaneId; readonly rows: readonly LaneMail[] }
  | { readonly kind: 'read-failed' }
  | { readonly kind: 'acked'; readonly keys: readonly DeliveryKey[] }
  | { readonly kind: 'hand-over'; readonly from: string; readonly message: HandOver }
  | { readonly kind: 'hint' }
  | { readonly kind: 'taken-over'; readonly epoch: string; readonly by: 'login' | 'reclaim' }
  | { readonly kind: 'vacated'; readonly epoch: string }
  | { readonly kind: 'forgotten'; readonly lane: LaneId; readonly upTo: number; readonly ok: boolean }
  | { readonly kind: 'one-forgotten'; readonly key: DeliveryKey; readonly ok: boolean }
  | { readonly kind: 'wake' }
  | { readonly kind: 'closed' };

/** A stream that has just been authenticated; its first event is `opened`. */
export function newDeviceInbox(device: DeviceKey, node: string, now: number): DeviceInbox {
  return {
    device,
    node,
    openedAt: now,
    epoch: undefined,
    claiming: undefined,
    overtaken: [],
    closed: false,
    lanes: new Map(),
    inFlight: 0,
    inFlightBytes: 0,
    rowBytes: 0,
    catchUp: undefined,
    again: false,
    readAt: 0,
    lookAt: Number.POSITIVE_INFINITY,
    toldEmpty: false,
  };
}

/**
 * One step of a stream: changes `inbox` in place and adds to `out` what is to be done, in that order. The same state, event, time and jitter (0 <= jitter < 1) always give the same.
 *
 * What holds, whatever happens:
 * - On this stream, before a record of a lane, every record before it in the lane was delivered, or the device had acked it. So, whichever streams a device has, it never sees a record for the first time after a later one of its lane.
 * - Nothing is deleted, and no cursor moved, that the device has not acked: both reach to the first unacked delivery of this stream at most.
 * - Presence is claimed first and Cassandra read then, at the opening and whenever the key has vanished.
 * - A live delivery that is acked writes nothing.
 */
export function stepInbox(
  inbox: DeviceInbox,
  event: InboxEvent,
  now: number,
  jitter: number,
  terms: InboxTerms,
  out: InboxEffect[],
): void {
  if (inbox.closed) {
    // A claim that landed after the end would keep dispatchers coming; and it may have taken the device from a stream that was opened since.
    if (event.kind === 'claimed') {
      const { epoch, previous } = event;
      out.push({ kind: 'release', device: inbox.device, epoch, displaced: previous });
    }
    // What was acked while a delete was under way at the end is still to be deleted.
    if (event.kind === 'forgotten') takeForgotten(inbox, event, now, terms, out);
    return;
  }
  switch (event.kind) {
    case 'opened':
      inbox.lookAt = now + terms.lookMs * (1 + jitter);
      claim(inbox, 'login', out);
      break;
    case 'claimed':
      takeClaim(inbox, event, now, terms, out);
      break;
    case 'claim-failed':
      // Without presence everything is spilled: what is stored is read nevertheless, and the claim tried again at the next look.
      inbox.claiming = undefined;
      readAgain(inbox, now, out);
      break;
    case 'presence-seen':
      seePresence(inbox, event, now, terms, out);
      break;
    case 'spans':
      takeSpans(inbox, event.spans, event.cursors, now, terms, out);
      break;
    case 'page':
      takePage(inbox, event.lane, event.rows, now, terms, out);
      break;
    case 'read-failed':
      if (inbox.catchUp === undefined) break;
      inbox.catchUp = undefined;
      inbox.again = true;
      inbox.readAt = now + terms.retryMs * (1 - jitter / 2);
      break;
    case 'acked':
      for (const key of event.keys) takeAck(inbox, key, now, terms, out);
      readOn(inbox, now, terms, out);
      tellAskers(inbox, terms, out);
      break;
    case 'hand-over':
      takeHandOver(inbox, event.from, event.message, now, terms, out);
      break;
    case 'hint':
      readAgain(inbox, now, out);
      break;
    case 'taken-over':
      loseTo(inbox, event, now, terms, out);
      break;
    case 'vacated':
      loseTo(inbox, { epoch: event.epoch, by: 'nobody' }, now, terms, out);
      break;
    case 'forgotten':
      takeForgotten(inbox, event, now, terms, out);
      break;
    case 'one-forgotten':
      // The row may lie there still: the next bounded delete reaches over it.
      if (!event.ok) rememberRow(inbox, event.key);
      break;
    case 'wake':
      wake(inbox, now, jitter, terms, out);
      break;
    case 'closed':
      close(inbox, undefined, now, terms, out);
      break;
  }
}

/** When the stream wants to be woken; Infinity when it is closed. */
export function inboxWakeAt(inbox: DeviceInbox): number {
  if (inbox.closed) return Number.POSITIVE_INFINITY;
  let at = inbox.lookAt;
  if (inbox.again && inbox.catchUp === undefined && inbox.readAt < at) at = inbox.readAt;
  for (const view of inbox.lanes.values()) if (isDirty(view) && view.forgetAt < at) at = view.forgetAt;
  return at;
}

/** The clock was set back by so many ms: what waits for its time waits no longer than it would have. */
export function setInboxBack(inbox: DeviceInbox, by: number): void {
  inbox.openedAt -= by;
  inbox.readAt -= by;
  inbox.lookAt -= by;
  for (const view of inbox.lanes.values()) view.forgetAt -= by;
}

function claim(inbox: DeviceInbox, as: 'login' | 'reclaim', out: InboxEffect[]): void {
  if (inbox.claiming !== undefined) return;
  inbox.claiming = as;
  inbox.epoch = undefined;
  out.push({ kind: 'claim', device: inbox.device });
}

function takeClaim(
  inbox: DeviceInbox,
  { epoch, previous }: { readonly epoch: string; readonly previous: Holder | undefined },
  now: number,
  terms: InboxTerms,
  out: InboxEffect[],
): void {
  // A claim that was tried again, or was long under way, may have come after that of a stream which was opened later: it tells nobody to stay away.
  const by = inbox.claiming === 'login' && now - inbox.openedAt < terms.loginMs ? 'login' : 'reclaim';
  inbox.claiming = undefined;
  inbox.epoch = epoch;
  if (previous !== undefined) {
    const message = { kind: 'taken-over', device: inbox.device, epoch: previous.epoch, by } as const;
    out.push({ kind: 'send', node: previous.node, message });
  }
  const overtaken = inbox.overtaken.findLast((other) => other.epoch === epoch);
  inbox.overtaken.length = 0;
  readAgain(inbox, now, out);
  if (overtaken !== undefined) loseTo(inbox, overtaken, now, terms, out);
}

/** Another claim has come after this stream's own. The message may also come before the answer to the claim that it speaks of. */
function loseTo(
  inbox: DeviceInbox,
  overtaken: { readonly epoch: string; readonly by: 'login' | 'reclaim' | 'nobody' },
  now: number,
  terms: InboxTerms,
  out: InboxEffect[],
): void {
  const { epoch, by } = overtaken;
  if (inbox.claiming !== undefined) {
    inbox.overtaken.push(overtaken);
    // Streams of one device that end while one claim is under way are few.
    if (inbox.overtaken.length > 8) inbox.overtaken.shift();
  }
  if (epoch !== inbox.epoch) return;
  if (by === 'nobody') out.push({ kind: 'check-presence', device: inbox.device, epoch });
  else close(inbox, by === 'login' ? 'replaced' : 'reconnect', now, terms, out);
}

function seePresence(
  inbox: DeviceInbox,
  { epoch, holder }: { readonly epoch: string; readonly holder: Holder | undefined },
  now: number,
  terms: InboxTerms,
  out: InboxEffect[],
): void {
  if (inbox.claiming !== undefined || inbox.epoch !== epoch) return;
  if (holder === undefined) claim(inbox, 'reclaim', out);
  // Another stream, or an older state of presence that has come back: nobody can tell, so the client comes anew, as the last login.
  else if (holder.epoch !== epoch || holder.node !== inbox.node) close(inbox, 'reconnect', now, terms, out);
}

function takeAck(inbox: DeviceInbox, key: DeliveryKey, now: number, terms: InboxTerms, out: InboxEffect[]): void {
  const { lane, ko } = key;
  const view = laneView(inbox, lane);
  const at = view.unacked.findIndex((delivery) => delivery.ko === ko);
  if (at < 0) {
    if (ko <= view.frontier) return;
    // An older stream gave it: its row, if there is one or will be, goes, and it is not given again.
    if (view.ahead.size < terms.ahead) view.ahead.add(ko);
    out.push({ kind: 'forget-one', device: inbox.device, key });
    return;
  }
  const [delivery] = view.unacked.splice(at, 1);
  if (delivery !== undefined) endDelivery(inbox, delivery);
  if (delivery?.waiter !== undefined) answer(inbox, lane, ko, delivery.waiter, 'acked', out);
  if (ko > view.storedTo) return;
  view.ackedRows++;
  // No bounded delete reaches it before those in front of it are acked.
  if (at > 0) out.push({ kind: 'forget-one', device: inbox.device, key });
  forgetWhatIsAcked(inbox, view, now, terms, out);
}

function takeHandOver(
  inbox: DeviceInbox,
  from: string,
  message: HandOver,
  now: number,
  terms: InboxTerms,
  out: InboxEffect[],
): void {
  const waiter: Waiter = { node: from, call: message.call };
  const status = judgeHandOver(inbox, waiter, message, now, terms, out);
  if (status !== undefined) answer(inbox, message.lane, message.mail.ko, waiter, status, out);
}

/** Takes the record, or says why not; undefined: the answer comes with the ack. */
function judgeHandOver(
  inbox: DeviceInbox,
  waiter: Waiter,
  { epoch, lane, mail, prevKo, settled, deadline }: HandOver,
  now: number,
  terms: InboxTerms,
  out: InboxEffect[],
): HandOverStatus | undefined {
  if (epoch !== inbox.epoch) return 'refused-epoch';
  const view = laneView(inbox, lane);
  // The lanes that were used last are forgotten last.
  inbox.lanes.delete(lane);
  inbox.lanes.set(lane, view);
  if (mail.ko <= view.frontier || view.ahead.has(mail.ko)) {
    // It came before: live, from Cassandra, or through another dispatcher.
    const delivery = unackedOf(view, mail.ko);
    if (delivery === undefined) return 'acked';
    delivery.waiter = waiter;
    return undefined;
  }
  if (now > deadline + terms.skewMs) return 'late';
  // With everything before it settled, a reading that has covered all offsets below says more than the record before does.
  if ((prevKo !== 'unknown' && prevKo <= view.frontier) || (settled && mail.ko - 1 <= view.frontier)) {
    const reserved = typeof inbox.catchUp?.asked === 'number' ? inbox.catchUp.asked : 0;
    if (roomOf(inbox, terms) <= reserved) {
      view.askers.add(waiter.node);
      return 'catching-up';
    }
    deliver(inbox, view, mail, waiter, out);
    return undefined;
  }
  if (!settled) return 'behind';
  view.askers.add(waiter.node);
  view.wanted = Math.max(view.wanted, mail.ko - 1);
  // A reading that has begun before does not count: what was settled since may lie where it has passed.
  if (view.reading < view.wanted) readAgain(inbox, now, out);
  return 'catching-up';
}

function takeForgotten(
  inbox: DeviceInbox,
  { lane, upTo, ok }: { readonly lane: LaneId; readonly upTo: number; readonly ok: boolean },
  now: number,
  terms: InboxTerms,
  out: InboxEffect[],
): void {
  const view = laneView(inbox, lane);
  if (view.forgetting !== upTo) return;
  view.forgetting = undefined;
  if (!ok) {
    // Once it is closed, a failed delete is followed by one that reaches further, and by no other.
    if (inbox.closed && upTo >= ackedTo(view)) return;
    view.forgetAt = now + terms.retryMs;
    // What it was for is still to be deleted when the stream ends.
    view.ackedRows = Math.max(1, view.ackedRows);
  } else if (view.storedTo <= upTo) {
    view.storedTo = -1;
    view.days.clear();
  }
  forgetWhatIsAcked(inbox, view, now, terms, out);
}

function rememberRow(inbox: DeviceInbox, { lane, ko, day }: DeliveryKey): void {
  const view = laneView(inbox, lane);
  view.days.add(day);
  view.storedTo = Math.max(view.storedTo, Math.min(ko, view.frontier));
}

function wake(inbox: DeviceInbox, now: number, jitter: number, terms: InboxTerms, out: InboxEffect[]): void {
  for (const view of inbox.lanes.values()) forgetWhatIsAcked(inbox, view, now, terms, out);
  if (now >= inbox.lookAt) {
    inbox.lookAt = now + terms.lookMs * (1 + jitter);
    if (inbox.epoch === undefined) claim(inbox, 'reclaim', out);
    else out.push({ kind: 'check-presence', device: inbox.device, epoch: inbox.epoch });
    inbox.again = true;
  }
  beginReading(inbox, now, out);
}

function close(
  inbox: DeviceInbox,
  reason: 'replaced' | 'reconnect' | undefined,
  now: number,
  terms: InboxTerms,
  out: InboxEffect[],
): void {
  inbox.closed = true;
  for (const view of inbox.lanes.values()) {
    for (const { ko, waiter } of view.unacked) {
      if (waiter !== undefined) answer(inbox, view.lane, ko, waiter, 'gone', out);
    }
    forgetWhatIsAcked(inbox, view, now, terms, out);
  }
  if (inbox.epoch !== undefined) {
    out.push({ kind: 'release', device: inbox.device, epoch: inbox.epoch, displaced: undefined });
  }
  if (reason !== undefined) out.push({ kind: 'close', reason });
}
