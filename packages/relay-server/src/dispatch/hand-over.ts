import type { DeviceKey, LaneId, LaneMail } from './delivery-lane.ts';

/**
 * The dispatcher asks the gateway that holds a device's stream to deliver one record. Answered only after the client's ack, or with a refusal.
 *
 * All that it says are facts that stay true, so that a hand-over may come late, twice or from a dispatcher that has lost its partition:
 * `prevKo` is the record of the lane directly before this one, and with `settled` everything before this one is acked by the device or durable in Cassandra.
 */
export interface HandOver {
  readonly kind: 'hand-over';
  /** Names the attempt; the answer repeats it. Unique within a lane of one dispatcher. */
  readonly call: number;
  readonly device: DeviceKey;
  readonly lane: LaneId;
  /** `unknown` after a take-over, and for a lane that the dispatcher has forgotten. */
  readonly prevKo: number | 'unknown';
  /** Whether everything of the lane before this record was settled when it was sent. False while records before it are still in flight. */
  readonly settled: boolean;
  /** The epoch of the stream that is meant; compared for equality only. */
  readonly epoch: string;
  /** When the dispatcher gives up waiting, by its own clock. It spares work; no promise depends on it, since clocks differ. */
  readonly deadline: number;
  readonly mail: LaneMail;
}

/**
 * - `acked`: the device has acked the record.
 * - `refused-epoch`: the stream has another epoch. `gone`: there is no stream, or it ended before the ack. `late`: the deadline had passed.
 * - `catching-up`: what is stored comes first, or the stream has no room: hold, try again. A `CaughtUp` follows when it is time.
 * - `behind`: the record before did not get here and is not settled: try again when it is.
 */
export type HandOverStatus = 'acked' | 'refused-epoch' | 'gone' | 'late' | 'catching-up' | 'behind';

/** What the gateway says to a `HandOver`. */
export interface HandOverAnswer {
  readonly kind: 'answer';
  readonly call: number;
  readonly device: DeviceKey;
  readonly lane: LaneId;
  readonly ko: number;
  readonly status: HandOverStatus;
}

/** The dispatcher has put something into Cassandra for the device: look. A lost one costs time, never mail. */
export interface Hint {
  readonly kind: 'hint';
  readonly device: DeviceKey;
}

/** The gateway has caught up with a lane, or has room again: what was answered with `catching-up` may come now. A lost one costs time. */
export interface CaughtUp {
  readonly kind: 'caught-up';
  readonly device: DeviceKey;
  readonly lane: LaneId;
}

/**
 * Another stream has the device now. `login`: a client has just logged in, the stream before it ends as `replaced` and its client stays away.
 * `reclaim`: a stream found its presence gone and claimed it again, which says nothing about who was first: the other client comes back.
 */
export interface TakenOver {
  readonly kind: 'taken-over';
  readonly device: DeviceKey;
  /** Of the stream that has lost the device. */
  readonly epoch: string;
  readonly by: 'login' | 'reclaim';
}

/**
 * A claim that came too late, for a stream that had ended, took the device from this one, and was given up again: nobody holds it now. Look at presence.
 * A lost one costs time.
 */
export interface Vacated {
  readonly kind: 'vacated';
  readonly device: DeviceKey;
  /** Of the stream that had the device. */
  readonly epoch: string;
}

/** What relay nodes say to each other about deliveries. */
export type NodeMessage = HandOver | HandOverAnswer | Hint | CaughtUp | TakenOver | Vacated;
