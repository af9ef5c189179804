import type { DeviceKey, LaneId, LaneMail } from './delivery-lane.ts';
import { FetchedOffsets, type OffsetProgress } from './fetched-offsets.ts';
import {
  type LaneDispatch,
  type LaneEffect,
  type LaneEvent,
  type LaneTerms,
  laneTerms,
  laneWakeAt,
  newLaneDispatch,
  setLaneBack,
  stepLane,
} from './lane-dispatch.ts';

/** How much a partition has in flight, and what it remembers. */
export interface PartitionTerms {
  readonly lane: LaneTerms;
  /** With so many fetched records unresolved the partition is paused; at half of it, it is resumed. */
  readonly openRecords: number;
  /** The same with so many devices over all its records. */
  readonly openParts: number;
  /** The same with so many bytes of records: what is in memory for a partition is bounded by these, and one fetch more. */
  readonly openBytes: number;
  /** How many lanes are remembered at most without anything in flight: a lane that is forgotten begins with `unknown`. */
  readonly idleLanes: number;
  /** After how long a commit or a parking that failed is tried again, in ms. */
  readonly retryMs: number;
}

/** What relays use. */
export const partitionTerms: PartitionTerms = {
  lane: laneTerms,
  openRecords: 1_024,
  openParts: 65_536,
  openBytes: 8 * 1024 * 1024,
  idleLanes: 50_000,
  retryMs: 1_000,
};

/** A record as it was fetched. `poison` could not be read: its bytes are parked durably, for a person to look at. */
export type FetchedRecord =
  | {
      readonly kind: 'mail';
      readonly ko: number;
      readonly time: number;
      readonly expiresAt: number;
      /** Bytes that it keeps in memory, however many devices it is for. */
      readonly size: number;
      readonly parts: readonly { readonly device: DeviceKey; readonly envelope: Uint8Array }[];
    }
  | { readonly kind: 'poison'; readonly ko: number; readonly bytes: Uint8Array };

/** What a partition learns. `lane` is for one of its lanes; `ending`: it is about to be given away, and has waited for acks long enough; `revoked` is the last that it is told. */
export type PartitionEvent =
  | { readonly kind: 'fetched'; readonly records: readonly FetchedRecord[] }
  | { readonly kind: 'lane'; readonly device: DeviceKey; readonly event: LaneEvent }
  | { readonly kind: 'parked'; readonly ko: number; readonly ok: boolean }
  | { readonly kind: 'committed'; readonly offset: number; readonly ok: boolean }
  | { readonly kind: 'wake' }
  | { readonly kind: 'ending' }
  | { readonly kind: 'revoked' };

/**
 * What a partition wants done; `resolved` is for metrics alone. A `commit` is carried out only while `assignment` is still the one under which the partition is owned, and with `lane` in the
 * commit's metadata: offsets are committed under the topic's *name*, and a commit that was under way while the topic was made anew must not count for the new one.
 */
export type PartitionEffect =
  | LaneEffect
  | { readonly kind: 'park'; readonly ko: number; readonly bytes: Uint8Array }
  | { readonly kind: 'commit'; readonly assignment: string; readonly lane: LaneId; readonly offset: number }
  | { readonly kind: 'pause' }
  | { readonly kind: 'resume' };

interface OpenRecord {
  /** When the log took it. */
  readonly time: number;
  readonly size: number;
  /** Devices for which it is not resolved. */
  left: number;
  /** Poison that is not parked yet. */
  bytes: Uint8Array | undefined;
  retryAt: number;
}

/** The dispatcher's side of one partition, for as long as one assignment lasts. */
export interface PartitionDispatch {
  readonly lane: LaneId;
  /** Names the assignment; another one is another `PartitionDispatch`. */
  readonly assignment: string;
  readonly lanes: Map<DeviceKey, LaneDispatch>;
  /** Those with records: the only ones that want to be woken. */
  readonly busy: Set<LaneDispatch>;
  readonly records: Map<number, OpenRecord>;
  readonly offsets: OffsetProgress;
  /** Over all records: devices for which they are not resolved. */
  openParts: number;
  /** Bytes of the records that are not resolved. */
  openBytes: number;
  committed: number;
  committing: boolean;
  commitAt: number;
  paused: boolean;
  revoked: boolean;
}

/** Where a partition is read from when it is assigned: a commit counts only when its metadata names the same lane; else the log is read from its beginning. */
export function startOffset(
  lane: LaneId,
  commit: { readonly offset: number; readonly lane: LaneId } | undefined,
): number {
  return commit?.lane === lane ? commit.offset : 0;
}

/** A partition as it is taken over: at `start`, knowing nothing of the owner before. */
export function newPartitionDispatch(
  lane: LaneId,
  assignment: string,
  start: number,
  offsets: OffsetProgress = new FetchedOffsets(),
): PartitionDispatch {
  return {
    lane,
    assignment,
    lanes: new Map(),
    busy: new Set(),
    records: new Map(),
    offsets,
    openParts: 0,
    openBytes: 0,
    committed: start,
    committing: false,
    commitAt: 0,
    paused: false,
    revoked: false,
  };
}

/**
 * One step of a partition: changes `partition` in place and adds to `out` what is to be done, in that order.
 *
 * What holds, whatever happens:
 * - Committed is only what is contiguous: no fetched record below it is unresolved, so that the next owner repeats what this one has begun and loses nothing.
 * - Commits never decrease, one is under way at a time, and after `revoked` there is none, nor anything else: what is in flight elsewhere ends by itself and harms nobody.
 * - At most `openRecords`, `openBytes`, and one fetch more are held in memory: the partition is paused in time.
 */
export function stepPartition(
  partition: PartitionDispatch,
  event: PartitionEvent,
  now: number,
  jitter: number,
  terms: PartitionTerms,
  out: PartitionEffect[],
): void {
  if (partition.revoked) return;
  switch (event.kind) {
    case 'fetched':
      for (const record of event.records) takeRecord(partition, record, now, jitter, terms, out);
      break;
    case 'lane': {
      const lane = partition.lanes.get(event.device);
      if (lane !== undefined) stepOne(partition, lane, event.event, now, jitter, terms, out);
      break;
    }
    case 'parked':
      takeParked(partition, event, now, terms);
      break;
    case 'committed':
      partition.committing = false;
      if (event.ok) partition.committed = Math.max(partition.committed, event.offset);
      else partition.commitAt = now + terms.retryMs;
      break;
    case 'wake':
      wakePartition(partition, now, jitter, terms, out);
      break;
    case 'ending':
      partition.commitAt = now;
      for (const lane of partition.busy) stepOne(partition, lane, { kind: 'ending' }, now, jitter, terms, out);
      break;
    case 'revoked':
      partition.revoked = true;
      partition.lanes.clear();
      partition.busy.clear();
      partition.records.clear();
      return;
  }
  commitWhatIsResolved(partition, now, out);
  pauseOrResume(partition, terms, out);
}

/** When the partition wants to be woken; Infinity when nothing in it ends by itself. */
export function partitionWakeAt(partition: PartitionDispatch): number {
  if (partition.revoked) return Number.POSITIVE_INFINITY;
  let at = mayCommit(partition) ? partition.commitAt : Number.POSITIVE_INFINITY;
  for (const lane of partition.busy) at = Math.min(at, laneWakeAt(lane));
  for (const { bytes, retryAt } of partition.records.values()) if (bytes !== undefined) at = Math.min(at, retryAt);
  return at;
}

/** The clock was set back by so many ms: what ends by its time ends when it would have. */
export function setPartitionBack(partition: PartitionDispatch, by: number): void {
  partition.commitAt -= by;
  for (const record of partition.records.values()) record.retryAt -= by;
  for (const lane of partition.busy) setLaneBack(lane, by);
}

function takeRecord(
  partition: PartitionDispatch,
  record: FetchedRecord,
  now: number,
  jitter: number,
  terms: PartitionTerms,
  out: PartitionEffect[],
): void {
  const { ko } = record;
  partition.offsets.fetched(ko);
  if (record.kind === 'poison') {
    const { bytes } = record;
    openRecord(partition, ko, { time: now, size: bytes.length, left: 0, bytes, retryAt: Number.POSITIVE_INFINITY });
    out.push({ kind: 'park', ko, bytes: record.bytes });
    return;
  }
  if (record.parts.length === 0) {
    partition.offsets.resolved(ko);
    return;
  }
  const { time, size, parts } = record;
  openRecord(partition, ko, { time, size, left: parts.length, bytes: undefined, retryAt: 0 });
  partition.openParts += record.parts.length;
  for (const part of record.parts) {
    const { time, expiresAt } = record;
    const mail: LaneMail = {
      ko,
      time,
      expiresAt,
      // Records may make it anew whenever it is read.
      get envelope() {
        return part.envelope;
      },
    };
    stepOne(partition, laneOf(partition, part.device, terms), { kind: 'mail', mail }, now, jitter, terms, out);
  }
}

function openRecord(partition: PartitionDispatch, ko: number, record: OpenRecord): void {
  partition.records.set(ko, record);
  partition.openBytes += record.size;
}

function endRecord(partition: PartitionDispatch, ko: number, { size }: OpenRecord): void {
  partition.records.delete(ko);
  partition.openBytes -= size;
  partition.offsets.resolved(ko);
}

function laneOf(partition: PartitionDispatch, device: DeviceKey, terms: PartitionTerms): LaneDispatch {
  const known = partition.lanes.get(device);
  if (known !== undefined) return known;
  // Two for one, so that what a crowd has left behind gets less.
  for (let times = 0; times < 2 && partition.lanes.size >= terms.idleLanes + partition.busy.size; times++) {
    forgetAnIdleLane(partition);
  }
  const lane = newLaneDispatch(device, partition.lane);
  partition.lanes.set(device, lane);
  return lane;
}

/** The oldest lane of which nothing is in flight. Its next record costs the gateway a look into Cassandra, no more. */
function forgetAnIdleLane({ lanes }: PartitionDispatch): void {
  for (const [device, { entries, asking }] of lanes) {
    if (entries.length > 0 || asking) continue;
    lanes.delete(device);
    return;
  }
}

function stepOne(
  partition: PartitionDispatch,
  lane: LaneDispatch,
  event: LaneEvent,
  now: number,
  jitter: number,
  terms: PartitionTerms,
  out: PartitionEffect[],
): void {
  const effects: LaneEffect[] = [];
  stepLane(lane, event, now, jitter, terms.lane, effects);
  for (const effect of effects) {
    if (effect.kind === 'resolved') takeResolved(partition, effect.ko);
    out.push(effect);
  }
  if (lane.entries.length > 0) partition.busy.add(lane);
  else partition.busy.delete(lane);
}

function takeResolved(partition: PartitionDispatch, ko: number): void {
  const record = partition.records.get(ko);
  if (record === undefined) return;
  record.left--;
  partition.openParts--;
  if (record.left === 0) endRecord(partition, ko, record);
}

function takeParked(
  partition: PartitionDispatch,
  { ko, ok }: { readonly ko: number; readonly ok: boolean },
  now: number,
  terms: PartitionTerms,
): void {
  const record = partition.records.get(ko);
  if (record?.bytes === undefined) return;
  if (ok) endRecord(partition, ko, record);
  else record.retryAt = now + terms.retryMs;
}

function wakePartition(
  partition: PartitionDispatch,
  now: number,
  jitter: number,
  terms: PartitionTerms,
  out: PartitionEffect[],
): void {
  for (const lane of partition.busy) {
    if (laneWakeAt(lane) <= now) stepOne(partition, lane, { kind: 'wake' }, now, jitter, terms, out);
  }
  for (const [ko, record] of partition.records) {
    if (record.bytes === undefined || record.retryAt > now) continue;
    record.retryAt = Number.POSITIVE_INFINITY;
    out.push({ kind: 'park', ko, bytes: record.bytes });
  }
}

function mayCommit({ offsets, committed, committing }: PartitionDispatch): boolean {
  const watermark = offsets.watermark();
  return !committing && watermark !== undefined && watermark > committed;
}

function commitWhatIsResolved(partition: PartitionDispatch, now: number, out: PartitionEffect[]): void {
  const offset = partition.offsets.watermark();
  if (offset === undefined || !mayCommit(partition) || now < partition.commitAt) return;
  partition.committing = true;
  out.push({ kind: 'commit', assignment: partition.assignment, lane: partition.lane, offset });
}

function pauseOrResume(partition: PartitionDispatch, terms: PartitionTerms, out: PartitionEffect[]): void {
  const load = Math.max(
    partition.offsets.open / terms.openRecords,
    partition.openParts / terms.openParts,
    partition.openBytes / terms.openBytes,
  );
  if (!partition.paused && load >= 1) {
    partition.paused = true;
    out.push({ kind: 'pause' });
  } else if (partition.paused && load <= 0.5) {
    partition.paused = false;
    out.push({ kind: 'resume' });
  }
}
