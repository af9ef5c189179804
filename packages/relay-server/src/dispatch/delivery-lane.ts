import type { LaneId } from '../ports/ids.ts';

/**
 * A *delivery lane* is one device's part of a partition, strictly first in, first out. Offsets mean nothing outside of (cluster, topic id, partition): a topic that was made anew has
 * another id, so that its records never meet what is left of the old one.
 */
export type { DeviceKey, LaneId } from '../ports/ids.ts';

/** The lane id of a partition. `topicId` is the topic's UUID, not its name. */
export function laneIdOf(cluster: string, topicId: string, partition: number): LaneId {
  return `${cluster}/${topicId}/${partition}` as LaneId;
}

/** The topic id and the partition of a lane. */
export function partitionOfLane(lane: LaneId): { readonly topicId: string; readonly partition: number } {
  const last = lane.lastIndexOf('/');
  return { topicId: lane.slice(lane.lastIndexOf('/', last - 1) + 1, last), partition: Number(lane.slice(last + 1)) };
}

/** What one record of a lane carries to one device. */
export interface LaneMail {
  /** The record's offset (*ko*): names it within its lane, and orders it. */
  readonly ko: number;
  /** When the log took it (LogAppendTime, ms): decides its day in Cassandra and the timestamp of its row, never a node's clock. */
  readonly time: number;
  readonly expiresAt: number;
  readonly envelope: Uint8Array;
}

/** What a delivery id stands for: enough to find the row of a delivery that another node gave. */
export interface DeliveryKey {
  readonly lane: LaneId;
  readonly ko: number;
  /** The day of the record's time, as `dayOf` counts: the bucket of its row. */
  readonly day: number;
}
