import { dayOf } from '../platform/utc-day.ts';
import type { LaneId, LaneMail } from './delivery-lane.ts';
import { ackedTo, type InboxLane, isIdle } from './inbox-lane.ts';
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

/**
 * Reading what is stored for a device, and giving it in order.
 *
 * A reading is not one moment: pages are read one after the other while dispatchers spill. If a page gave all that it finds, a row that landed late below it
 * would be passed over, and then taken for acked, since the rows after it were. So the highest offset of each lane is read first, and pages reach up to it and no further:
 * whatever lies at or below it had landed by then, since a record is spilled only when all before it are settled. What comes later is for the next reading.
 */
export function readAgain(inbox: DeviceInbox, now: number, out: InboxEffect[]): void {
  inbox.again = true;
  beginReading(inbox, now, out);
}

/** Begins a reading, if one is wanted and none is under way. */
export function beginReading(inbox: DeviceInbox, now: number, out: InboxEffect[]): void {
  if (!inbox.again || inbox.catchUp !== undefined || inbox.closed || now < inbox.readAt) return;
  inbox.again = false;
  inbox.catchUp = { left: [], asked: 'spans' };
  for (const view of inbox.lanes.values()) view.reading = view.wanted;
  out.push({ kind: 'read-spans', device: inbox.device });
}

/** The spans are there: takes over cursors, finds rows of what is acked already, and goes on with the pages. */
export function takeSpans(
  inbox: DeviceInbox,
  spans: readonly StoredSpan[],
  cursors: readonly { readonly lane: LaneId; readonly ko: number }[],
  now: number,
  terms: InboxTerms,
  out: InboxEffect[],
): void {
  const { catchUp } = inbox;
  if (catchUp?.asked !== 'spans') return;
  catchUp.asked = undefined;
  for (const { lane, ko } of cursors) raiseToCursor(inbox, laneView(inbox, lane), ko, out);
  for (const { lane, first, last, days } of spans) {
    const view = laneView(inbox, lane);
    for (const day of days) view.days.add(day);
    if (first <= view.frontier) view.storedTo = Math.max(view.storedTo, Math.min(last, view.frontier));
    if (last > view.frontier) catchUp.left.push({ lane, upTo: last });
    forgetWhatIsAcked(inbox, view, now, terms, out);
  }
  readOn(inbox, now, terms, out);
}

/** Another stream of the device got these acks. */
function raiseToCursor(inbox: DeviceInbox, view: InboxLane, ko: number, out: InboxEffect[]): void {
  for (;;) {
    const first = view.unacked[0];
    if (first === undefined || first.ko > ko) break;
    view.unacked.shift();
    endDelivery(inbox, first);
    if (first.waiter !== undefined) answer(inbox, view.lane, first.ko, first.waiter, 'acked', out);
  }
  view.frontier = Math.max(view.frontier, ko);
}

/** A page is there: gives its rows, and goes on. */
export function takePage(
  inbox: DeviceInbox,
  lane: LaneId,
  rows: readonly LaneMail[],
  now: number,
  terms: InboxTerms,
  out: InboxEffect[],
): void {
  const { catchUp } = inbox;
  const reading = catchUp?.left[0];
  if (catchUp === undefined || reading?.lane !== lane || typeof catchUp.asked !== 'number') return;
  const limit = catchUp.asked;
  catchUp.asked = undefined;
  const view = laneView(inbox, lane);
  inbox.rowBytes = rows.reduce((most, { envelope }) => Math.max(most, envelope.length), 0);
  for (const mail of rows) giveRow(inbox, view, mail, now, out);
  if (rows.length < limit || view.frontier >= reading.upTo) {
    // What was there at the beginning has been given, or is gone since it was acked elsewhere.
    view.frontier = Math.max(view.frontier, reading.upTo);
    catchUp.left.shift();
  }
  forgetWhatIsAcked(inbox, view, now, terms, out);
  readOn(inbox, now, terms, out);
}

function giveRow(inbox: DeviceInbox, view: InboxLane, mail: LaneMail, now: number, out: InboxEffect[]): void {
  view.days.add(dayOf(mail.time));
  view.storedTo = Math.max(view.storedTo, mail.ko);
  if (mail.ko <= view.frontier) return;
  if (view.ahead.delete(mail.ko) || now >= mail.expiresAt) view.frontier = mail.ko;
  else deliver(inbox, view, mail, undefined, out);
}

/** Asks for the next page when there is room for its rows, or ends the reading. */
export function readOn(inbox: DeviceInbox, now: number, terms: InboxTerms, out: InboxEffect[]): void {
  const { catchUp } = inbox;
  if (catchUp === undefined || catchUp.asked !== undefined || inbox.closed) return;
  const next = catchUp.left[0];
  if (next === undefined) {
    endReading(inbox, now, terms, out);
    return;
  }
  const room = roomOf(inbox, terms);
  if (room <= 0) return;
  // By the rows before: how large these are is not known, and one fits whatever its size.
  const fitting = Math.max(1, Math.floor((terms.windowBytes - inbox.inFlightBytes) / Math.max(1, inbox.rowBytes)));
  const limit = Math.min(terms.page, room, fitting);
  catchUp.asked = limit;
  const { frontier } = laneView(inbox, next.lane);
  out.push({ kind: 'read-page', device: inbox.device, lane: next.lane, after: frontier, upTo: next.upTo, limit });
}

function endReading(inbox: DeviceInbox, now: number, terms: InboxTerms, out: InboxEffect[]): void {
  inbox.catchUp = undefined;
  for (const view of inbox.lanes.values()) {
    if (view.reading >= 0) {
      view.frontier = Math.max(view.frontier, view.reading);
      if (view.wanted <= view.reading) view.wanted = -1;
      view.reading = -1;
    }
    if (view.wanted <= view.frontier) view.wanted = -1;
    for (const ko of view.ahead) if (ko <= view.frontier) view.ahead.delete(ko);
    forgetWhatIsAcked(inbox, view, now, terms, out);
  }
  if (!inbox.toldEmpty) {
    inbox.toldEmpty = true;
    out.push({ kind: 'queue-empty' });
  }
  tellAskers(inbox, terms, out);
  forgetIdleLanes(inbox, terms);
  beginReading(inbox, now, out);
}

/** Those who were told `catching-up` may come now: their lane is covered, and there is room. */
export function tellAskers(inbox: DeviceInbox, terms: InboxTerms, out: InboxEffect[]): void {
  if (inbox.catchUp !== undefined || roomOf(inbox, terms) <= 0) return;
  for (const view of inbox.lanes.values()) {
    if (view.askers.size === 0 || view.wanted >= 0) continue;
    for (const node of view.askers)
      out.push({ kind: 'send', node, message: { kind: 'caught-up', device: inbox.device, lane: view.lane } });
    view.askers.clear();
  }
}

/** Those that were not used for longest go first: one that somebody was just told of is still to be used. */
function forgetIdleLanes(inbox: DeviceInbox, terms: InboxTerms): void {
  let excess = inbox.lanes.size - terms.lanes;
  for (const [lane, view] of inbox.lanes) {
    if (excess <= 0) return;
    if (!isIdle(view)) continue;
    inbox.lanes.delete(lane);
    excess--;
  }
}

/** Rows that are known to lie there though they are acked: whether a delete is still to be done. */
export function isDirty(view: InboxLane): boolean {
  return view.storedTo >= 0 && view.forgetting === undefined && ackedTo(view) >= view.storedTo;
}
