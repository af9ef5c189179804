import type { DeviceKey } from '../../src/dispatch/delivery-lane.ts';
import type { NodeMessage } from '../../src/dispatch/hand-over.ts';
import type { InboxTerms } from '../../src/dispatch/inbox-state.ts';
import type { PartitionTerms } from '../../src/dispatch/partition-dispatch.ts';
import type { Fault, PlantedBug } from './fault.ts';
import type { Ledger } from './ledger.ts';
import type { PendingRows } from './pending-rows.ts';
import type { PresenceModel } from './presence-model.ts';
import type { SimClient } from './sim-client.ts';
import type { SimLog } from './sim-log.ts';
import type { SimRandom } from './sim-random.ts';

/** Something asked of an engine: it is applied at some moment, and answered at a later one, or not. */
export interface SimOp {
  readonly node: number;
  readonly life: number;
  readonly label: string;
  readonly apply: () => unknown;
  /** `ok` is false when the asker does not know what became of it. */
  readonly reply: (result: unknown, ok: boolean) => void;
  /** `lost`: refused before it was applied. `late`: the asker is told of a failure, and it may land afterwards. */
  fate: 'well' | 'lost' | 'late';
  stage: 'sent' | 'applied' | 'orphan';
  result: unknown;
  /** How many events it is passed over before it is applied. */
  delay: number;
}

/** What nodes live in. */
export interface Surroundings {
  readonly random: SimRandom;
  readonly partitionTerms: PartitionTerms;
  readonly inboxTerms: InboxTerms;
  readonly pending: PendingRows;
  readonly presence: PresenceModel;
  readonly ledger: Ledger;
  readonly bug: PlantedBug | undefined;
  readonly tracing: boolean;
  readonly now: number;
  /** The day on which schedules begin, shortly before midnight. */
  readonly firstDay: number;
  /** Of the consumer group. */
  readonly generation: number;
  /** Whether a fault happens now, if this schedule has it; counts it. */
  strikes(fault: Fault, probability: number): boolean;
  say(text: string): void;
  ask(op: SimOp): void;
  send(from: number, to: string, message: NodeMessage): void;
  clientOf(device: DeviceKey): SimClient;
  /** Commits in the group's name; false: fenced. */
  commit(log: SimLog, offset: number, generation: number): boolean;
  /** Something happened that is more than looking. */
  active(): void;
}
