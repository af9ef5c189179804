import type { Holder } from '../ports/presence.ts';
import type { DeviceKey, LaneId, LaneMail } from './delivery-lane.ts';
import type { HandOver, HandOverStatus } from './hand-over.ts';

/** How long a lane waits for what, in ms, and how much it has in flight. */
export interface LaneTerms {
  /** The most records of one lane that are handed over without an answer. */
  readonly depth: number;
  /** How long a client may take to ack before the record is spilled. */
  readonly handOverMs: number;
  /** How long a record is held for a gateway that is catching up. */
  readonly holdMs: number;
  /** After how long a held record is tried again; the jitter takes up to half of it away. */
  readonly holdRetryMs: number;
  /** After how long a spill that failed is tried again; likewise. */
  readonly spillRetryMs: number;
  /** How long nothing is handed over to a stream that did not ack in time: it finds its mail in Cassandra. */
  readonly slowMs: number;
}

/** What relays use. */
export const laneTerms: LaneTerms = {
  depth: 16,
  handOverMs: 10_000,
  holdMs: 10_000,
  holdRetryMs: 500,
  spillRetryMs: 1_000,
  slowMs: 30_000,
};

/**
 * Where a record stands. `waiting` -> `handed` -> `done`, or `must-spill` -> `spilling` -> `spilled` (durable) -> `done` once presence was read again.
 * `holding`: the gateway is catching up. `spill-failed`: waits for the next try.
 */
type Stage = 'waiting' | 'handed' | 'holding' | 'must-spill' | 'spilling' | 'spill-failed' | 'spilled' | 'done';

interface LaneEntry {
  readonly mail: LaneMail;
  stage: Stage;
  /** Presence was asked for this record itself: what it said is not tried twice. */
  asked: boolean;
  /** A gateway has said `behind`: not tried again before all records before it are settled, or one of them is tried again. */
  afterSettled: boolean;
  /** Presence was asked after its spill was durable. */
  reread: boolean;
  /** Of the attempt in flight, and whom it went to. */
  call: number;
  to: Holder | undefined;
  /** When the stage ends by itself. */
  until: number;
  /** When holding ends for good; 0: it has not been held. */
  holdUntil: number;
}

/** The dispatcher's side of one delivery lane: the records of one partition for one device that are not resolved yet, in order. */
export interface LaneDispatch {
  readonly device: DeviceKey;
  readonly lane: LaneId;
  readonly entries: LaneEntry[];
  /** The record before the first entry: settled. */
  prevKo: number | 'unknown';
  /** Who held the device when presence was read last; a gateway refuses by epoch when that is old, so it may be kept while it works. */
  holder: Holder | undefined;
  /** A stream that did not ack in time, and until when it is handed nothing: each record would wait for its whole time, and the partition with it. */
  slow: { readonly holder: Holder; until: number } | undefined;
  asking: boolean;
  calls: number;
}

/** What a lane learns. `ending`: its partition is about to be given away, so that nothing waits any longer for an ack, or for another try. Presence that can not be read is `undefined`, as a device that is offline. A spill whose outcome is not known has failed. */
export type LaneEvent =
  | { readonly kind: 'mail'; readonly mail: LaneMail }
  | { readonly kind: 'presence'; readonly holder: Holder | undefined }
  | { readonly kind: 'answer'; readonly call: number; readonly ko: number; readonly status: HandOverStatus }
  | { readonly kind: 'caught-up' }
  | { readonly kind: 'spilled'; readonly ko: number; readonly ok: boolean }
  | { readonly kind: 'wake' }
  | { readonly kind: 'ending' };

/**
 * What a lane wants done. `spill` is a write at LOCAL_QUORUM of ((device, dayOf(mail.time)), lane, ko) with the TTL that is left, USING TIMESTAMP mail.time:
 * so that a delete, which has the last timestamp of the day, shadows it whenever it lands. `why` tells which of the two readings of presence it is.
 */
export type LaneEffect =
  | { readonly kind: 'ask-presence'; readonly device: DeviceKey; readonly why: 'mail' | 'spilled' }
  | { readonly kind: 'hand-over'; readonly node: string; readonly message: HandOver }
  | { readonly kind: 'spill'; readonly device: DeviceKey; readonly lane: LaneId; readonly mail: LaneMail }
  | { readonly kind: 'send-hint'; readonly node: string; readonly device: DeviceKey }
  | { readonly kind: 'resolved'; readonly device: DeviceKey; readonly ko: number; readonly how: Resolution };

/** How a record came to its end for a device. */
export type Resolution = 'acked' | 'spilled' | 'expired';

/** A lane without records, as a take-over or the first record begins it. */
export function newLaneDispatch(device: DeviceKey, lane: LaneId): LaneDispatch {
  return { device, lane, entries: [], prevKo: 'unknown', holder: undefined, slow: undefined, asking: false, calls: 0 };
}

/**
 * One step of a lane: changes `lane` in place and adds to `out` what is to be done, in that order. The same state, event, time and jitter (0 <= jitter < 1) always give the same.
 *
 * What holds, whatever happens:
 * - A record is spilled only when every record before it is settled: acked, or durable in Cassandra. So who sees a row and not the one before it knows that that was acked.
 * - A record is handed over only behind records that are settled or in flight themselves, and says which; the gateway keeps the order among those in flight.
 * - Presence is read *after* the spill is durable, and then the hint goes out: a stream that opens in between writes its presence first and reads Cassandra then, so one of the two sees the other.
 * - A record is resolved when it was acked, or is durable and the hint is out, or has expired. Before that a crash only repeats it.
 */
export function stepLane(
  lane: LaneDispatch,
  event: LaneEvent,
  now: number,
  jitter: number,
  terms: LaneTerms,
  out: LaneEffect[],
): void {
  switch (event.kind) {
    case 'mail':
      lane.entries.push(newEntry(event.mail));
      break;
    case 'presence':
      seePresence(lane, event.holder, out);
      break;
    case 'answer':
      takeAnswer(lane, event, now, jitter, terms, out);
      break;
    case 'caught-up':
      lane.slow = undefined;
      for (const entry of lane.entries) if (entry.stage === 'holding') entry.stage = 'waiting';
      break;
    case 'spilled':
      takeSpilled(lane, event, now, jitter, terms);
      break;
    case 'wake':
      for (const entry of lane.entries) wakeEntry(lane, entry, now, terms);
      break;
    case 'ending':
      for (const entry of lane.entries) if (!hasBegunToSpill(entry)) entry.stage = 'must-spill';
      break;
  }
  advance(lane, now, terms, out);
}

/** When the lane wants to be woken; Infinity when nothing in it ends by itself. */
export function laneWakeAt(lane: LaneDispatch): number {
  let at = Number.POSITIVE_INFINITY;
  for (const { stage, until } of lane.entries) {
    if ((stage === 'handed' || stage === 'holding' || stage === 'spill-failed') && until < at) at = until;
  }
  return at;
}

/** The clock was set back by so many ms. */
export function setLaneBack(lane: LaneDispatch, by: number): void {
  if (lane.slow !== undefined) lane.slow.until -= by;
  for (const entry of lane.entries) {
    entry.until -= by;
    // 0 says that it has not been held.
    if (entry.holdUntil !== 0) entry.holdUntil -= by;
  }
}

function newEntry(mail: LaneMail): LaneEntry {
  return {
    mail,
    stage: 'waiting',
    asked: false,
    afterSettled: false,
    reread: false,
    call: -1,
    to: undefined,
    until: 0,
    holdUntil: 0,
  };
}

function seePresence(lane: LaneDispatch, holder: Holder | undefined, out: LaneEffect[]): void {
  lane.asking = false;
  lane.holder = holder;
  let hinted = holder === undefined;
  let head = true;
  for (const entry of lane.entries) {
    if (entry.stage === 'spilled' && entry.reread) {
      if (!hinted && holder !== undefined) out.push({ kind: 'send-hint', node: holder.node, device: lane.device });
      hinted = true;
      resolve(lane, entry, 'spilled', out);
    } else if (entry.stage !== 'done' && entry.stage !== 'spilled') {
      // Only the first can be spilled; the answer was asked for it, or is asked again.
      if (head && entry.stage === 'waiting' && entry.asked && holder === undefined) entry.stage = 'must-spill';
      head = false;
    }
  }
}

function takeAnswer(
  lane: LaneDispatch,
  { call, ko, status }: { readonly call: number; readonly ko: number; readonly status: HandOverStatus },
  now: number,
  jitter: number,
  terms: LaneTerms,
  out: LaneEffect[],
): void {
  const entry = lane.entries.find(({ mail }) => mail.ko === ko);
  if (entry === undefined) return;
  if (status === 'acked') {
    // An ack is a fact, whichever attempt it answers. Once a write is under way its row needs the hint, so that goes on.
    if (entry.stage !== 'spilling' && entry.stage !== 'spilled' && entry.stage !== 'done')
      resolve(lane, entry, 'acked', out);
    return;
  }
  if (entry.stage !== 'handed' || entry.call !== call) return;
  switch (status) {
    case 'catching-up':
      if (entry.holdUntil === 0) entry.holdUntil = now + terms.holdMs;
      entry.stage = 'holding';
      entry.until = Math.min(entry.holdUntil, now + shortened(terms.holdRetryMs, jitter));
      break;
    case 'behind':
      entry.stage = 'waiting';
      // What has been sent before it only after it explains this answer.
      entry.afterSettled = !lane.entries.some((other) => isSentAfter(other, entry));
      break;
    case 'refused-epoch':
    case 'gone':
      doubt(lane, entry);
      // What was handed to a holder that was only remembered has a fresh look first: the device may be elsewhere.
      entry.stage = entry.asked ? 'must-spill' : 'waiting';
      break;
    case 'late':
      giveUp(lane, entry, now, terms);
      break;
  }
}

function takeSpilled(
  lane: LaneDispatch,
  { ko, ok }: { readonly ko: number; readonly ok: boolean },
  now: number,
  jitter: number,
  terms: LaneTerms,
): void {
  const entry = lane.entries.find(({ mail }) => mail.ko === ko);
  if (entry?.stage !== 'spilling') return;
  entry.stage = ok ? 'spilled' : 'spill-failed';
  entry.until = now + shortened(terms.spillRetryMs, jitter);
}

function wakeEntry(lane: LaneDispatch, entry: LaneEntry, now: number, terms: LaneTerms): void {
  if (now < entry.until) return;
  if (entry.stage === 'handed' || (entry.stage === 'holding' && now >= entry.holdUntil))
    giveUp(lane, entry, now, terms);
  else if (entry.stage === 'holding') entry.stage = 'waiting';
  else if (entry.stage === 'spill-failed') entry.stage = 'must-spill';
}

/** Its time is over: it is spilled, and so is what comes behind it while the same stream has the device. */
function giveUp(lane: LaneDispatch, entry: LaneEntry, now: number, terms: LaneTerms): void {
  // One that was held says nothing against the holder that is known.
  if (entry.stage === 'handed') doubt(lane, entry);
  if (entry.to !== undefined) lane.slow = { holder: entry.to, until: now + terms.slowMs };
  entry.stage = 'must-spill';
}

function isSlow({ slow }: LaneDispatch, { node, epoch }: Holder, now: number): boolean {
  return slow !== undefined && now < slow.until && slow.holder.node === node && slow.holder.epoch === epoch;
}

/** Forgets a holder that did not do what it was asked for, unless a newer one is known. */
function doubt(lane: LaneDispatch, { to }: LaneEntry): void {
  if (lane.holder?.epoch === to?.epoch && lane.holder?.node === to?.node) lane.holder = undefined;
}

function resolve(lane: LaneDispatch, entry: LaneEntry, how: Resolution, out: LaneEffect[]): void {
  entry.stage = 'done';
  out.push({ kind: 'resolved', device: lane.device, ko: entry.mail.ko, how });
}

/** Does what the order allows now: from the first record on, until one has to wait. */
function advance(lane: LaneDispatch, now: number, terms: LaneTerms, out: LaneEffect[]): void {
  let prevKo = lane.prevKo;
  /** Records before this one that are in flight: handed over, not settled. */
  let inFlight = 0;
  let ask: 'mail' | 'spilled' | undefined;
  let isSending = false;
  for (const entry of lane.entries) {
    if (isUnsent(entry) && inFlight === 0 && now >= entry.mail.expiresAt) resolve(lane, entry, 'expired', out);
    const { holder } = lane;
    if (entry.stage === 'waiting' && holder !== undefined && isSlow(lane, holder, now)) entry.stage = 'must-spill';
    if (entry.stage === 'handed') inFlight++;
    else if (entry.stage === 'waiting') {
      if (isSending) entry.afterSettled = false;
      if (holder !== undefined && inFlight < terms.depth && !(entry.afterSettled && inFlight > 0)) {
        handOver(lane, entry, holder, prevKo, inFlight === 0, now, terms, out);
        isSending = true;
        inFlight++;
      } else {
        if (holder === undefined && inFlight === 0) {
          ask = 'mail';
          // An answer to a question that was put before this record came does not count for it.
          if (!lane.asking) entry.asked = true;
        }
        break;
      }
    } else if (entry.stage === 'must-spill') {
      if (inFlight === 0) {
        entry.stage = 'spilling';
        out.push({ kind: 'spill', device: lane.device, lane: lane.lane, mail: entry.mail });
      }
      break;
    } else if (entry.stage === 'spilled') {
      if (!entry.reread) ask = 'spilled';
    } else if (entry.stage !== 'done') break;
    prevKo = entry.mail.ko;
  }
  if (ask !== undefined && !lane.asking) {
    lane.asking = true;
    for (const entry of lane.entries) if (entry.stage === 'spilled') entry.reread = true;
    out.push({ kind: 'ask-presence', device: lane.device, why: ask });
  }
  while (lane.entries[0]?.stage === 'done') {
    lane.prevKo = lane.entries[0].mail.ko;
    lane.entries.shift();
  }
}

/** Whether a record before `entry` is in flight by an attempt that was made after that of `entry`. */
function isSentAfter(other: LaneEntry, { mail, call }: LaneEntry): boolean {
  return other.stage === 'handed' && other.mail.ko < mail.ko && other.call > call;
}

function isUnsent({ stage }: LaneEntry): boolean {
  return stage === 'waiting' || stage === 'holding' || stage === 'must-spill' || stage === 'spill-failed';
}

/** Whether it is durable, or is being made so. */
function hasBegunToSpill({ stage }: LaneEntry): boolean {
  return stage === 'spilling' || stage === 'spilled' || stage === 'done';
}

function handOver(
  lane: LaneDispatch,
  entry: LaneEntry,
  holder: Holder,
  prevKo: number | 'unknown',
  settled: boolean,
  now: number,
  terms: LaneTerms,
  out: LaneEffect[],
): void {
  entry.stage = 'handed';
  entry.call = lane.calls++;
  entry.to = holder;
  entry.until = now + terms.handOverMs;
  out.push({
    kind: 'hand-over',
    node: holder.node,
    message: {
      kind: 'hand-over',
      call: entry.call,
      device: lane.device,
      lane: lane.lane,
      prevKo,
      settled,
      epoch: holder.epoch,
      deadline: entry.until,
      mail: entry.mail,
    },
  });
}

function shortened(ms: number, jitter: number): number {
  return ms - (ms / 2) * jitter;
}
