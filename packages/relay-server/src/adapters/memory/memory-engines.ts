import { systemRandomness } from '../../platform/system-randomness.ts';
import type { Clock } from '../../ports/clock.ts';
import type { ClusterEngines } from '../../ports/cluster-engines.ts';
import type { Randomness } from '../../ports/randomness.ts';
import type { Timers } from '../../ports/timers.ts';
import { MemoryListedDevices } from './listed-devices.ts';
import { MemoryMailLedger } from './mail-ledger.ts';
import { MemoryMailLog } from './mail-log.ts';
import { MemoryLogBroker } from './memory-log-broker.ts';
import { MemoryNodeNetwork } from './memory-node-network.ts';
import { MemoryNodes } from './memory-nodes.ts';
import { MemoryRelayDisk, stateOf } from './memory-relay-disk.ts';
import { memoryStores } from './memory-stores.ts';
import { MemoryPendingStore } from './pending-store.ts';
import { MemoryPresence } from './presence.ts';
import { MemorySendReceipts } from './send-receipts.ts';

/** What engines in memory work with. */
export interface MemoryEnginesOptions {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly randomness?: Randomness;
  /** By which records are dated; `clock` by default. */
  readonly logClock?: Clock;
  /** The topics that there are. */
  readonly topics: readonly string[];
  /** Of each topic. */
  readonly partitions?: number;
}

/** What one node has of engines in memory. */
export interface MemoryNodeEngines extends ClusterEngines {
  /** Its own: it can be frozen, as the log of a node is that has stopped. */
  readonly log: MemoryMailLog;
}

/**
 * The engines of a cluster in one process, and the network between its nodes: what real ones share by Kafka, Cassandra, Redis and S3, these share by being given the same one.
 *
 * For tests and trials: nothing outlives the process.
 */
export class MemoryEngines {
  readonly disk = new MemoryRelayDisk();
  readonly broker = new MemoryLogBroker();
  readonly network: MemoryNodeNetwork;
  readonly pending = new MemoryPendingStore();
  readonly presence: MemoryPresence;
  readonly ledger = new MemoryMailLedger();
  readonly receipts: MemorySendReceipts;
  readonly listed = new MemoryListedDevices(stateOf(this.disk));
  readonly nodes = new MemoryNodes();
  readonly stores: ClusterEngines['stores'];
  readonly #options: MemoryEnginesOptions;

  constructor(options: MemoryEnginesOptions) {
    const { clock, timers, randomness = systemRandomness, topics, partitions = 3 } = options;
    this.#options = options;
    this.network = new MemoryNodeNetwork({ clock, timers });
    this.presence = new MemoryPresence(randomness);
    this.receipts = new MemorySendReceipts(randomness);
    const {
      mailbox: _mailbox,
      presence: _presence,
      close: _close,
      ...stores
    } = memoryStores({
      clock,
      randomness,
      disk: this.disk,
    });
    this.stores = stores;
    for (const topic of topics) this.broker.makeTopic(topic, partitions);
  }

  /** What one more node has of them. Its `close` lets go of nothing but its log. */
  open(): MemoryNodeEngines {
    const { clock, logClock = clock, timers } = this.#options;
    const { stores, pending, presence, receipts, ledger, listed, nodes } = this;
    const log = new MemoryMailLog({ broker: this.broker, clock: logClock, timers });
    return {
      stores,
      log,
      pending,
      presence,
      receipts,
      ledger,
      listed,
      nodes,
      checks: [],
      close: () => log.close(),
    };
  }
}
