import type { LaneId } from '../../src/dispatch/delivery-lane.ts';
import type { FetchedRecord } from '../../src/dispatch/partition-dispatch.ts';

/** One partition of a topic as long as the topic is the same: its records, at growing offsets with holes. */
export interface SimLog {
  readonly slot: SimSlot;
  readonly lane: LaneId;
  readonly records: FetchedRecord[];
  /** The next offset. */
  end: number;
  readonly parked: Set<number>;
}

/** A partition by topic name and number, as offsets are committed for it. */
export interface SimSlot {
  readonly name: string;
  incarnation: number;
  log: SimLog | undefined;
  commit: { readonly offset: number; readonly lane: LaneId } | undefined;
  /** The node that the group has given it to; -1: none. */
  owner: number;
  /** How far any owner has fetched: for a planted bug. */
  fetchedTo: number;
}
