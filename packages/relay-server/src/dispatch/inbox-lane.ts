import type { LaneId } from './delivery-lane.ts';

/** A hand-over that is answered when the client acks. */
export interface Waiter {
  readonly node: string;
  readonly call: number;
}

/** A delivery that this stream gave and the client has not acked. */
export interface Unacked {
  readonly ko: number;
  readonly day: number;
  /** Of its envelope, bytes. */
  readonly size: number;
  /** The hand-over that brought it, or one that came again. */
  waiter: Waiter | undefined;
}

/**
 * What one stream knows of one lane. All of it rests on `frontier`: every record of the lane up to it was delivered on this very stream, or had been acked
 * by the device before, or has expired. Nothing is known of what is above it.
 */
export interface InboxLane {
  readonly lane: LaneId;
  frontier: number;
  /** Delivered on this stream, not acked, ascending, all at most `frontier`. What is below and not here is acked. */
  readonly unacked: Unacked[];
  /** Acked through this stream before they were delivered on it (an older stream gave them), above the frontier. */
  readonly ahead: Set<number>;
  /** Up to where rows may lie in Cassandra at or below the frontier; -1: none are known. They are deleted when they are acked. */
  storedTo: number;
  /** The days of those rows. */
  readonly days: Set<number>;
  /** How many rows were acked since the last bounded delete. */
  ackedRows: number;
  /** A bounded delete up to here is under way. */
  forgetting: number | undefined;
  /** When a delete that failed may be tried again. */
  forgetAt: number;
  /** A dispatcher says that everything up to here is settled: after a reading that began later, it is covered. -1: nobody waits. */
  wanted: number;
  /** What was wanted when the reading under way began. */
  reading: number;
  /** Who is told when it is covered. */
  readonly askers: Set<string>;
}

/** A lane of which a stream knows nothing yet. */
export function newInboxLane(lane: LaneId): InboxLane {
  return {
    lane,
    frontier: -1,
    unacked: [],
    ahead: new Set(),
    storedTo: -1,
    days: new Set(),
    ackedRows: 0,
    forgetting: undefined,
    forgetAt: 0,
    wanted: -1,
    reading: -1,
    askers: new Set(),
  };
}

/** Up to where everything of the lane is acked or expired: what a cursor may say, and how far a delete may reach. Never further. */
export function ackedTo({ unacked, frontier }: InboxLane): number {
  const first = unacked[0];
  return first === undefined ? frontier : first.ko - 1;
}

/** The delivery of a record on this stream that waits for its ack. */
export function unackedOf({ unacked }: InboxLane, ko: number): Unacked | undefined {
  return unacked.find((delivery) => delivery.ko === ko);
}

/** Whether nothing would be lost but a place in the order by forgetting the lane. */
export function isIdle({ unacked, ahead, storedTo, forgetting, wanted }: InboxLane): boolean {
  return unacked.length === 0 && ahead.size === 0 && storedTo < 0 && forgetting === undefined && wanted < 0;
}
