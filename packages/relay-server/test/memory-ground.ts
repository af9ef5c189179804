import { MemoryListedDevices } from '../src/adapters/memory/listed-devices.ts';
import { MemoryMailLedger } from '../src/adapters/memory/mail-ledger.ts';
import { MemoryMailLog } from '../src/adapters/memory/mail-log.ts';
import { MemoryLogBroker } from '../src/adapters/memory/memory-log-broker.ts';
import { MemoryNodeNetwork } from '../src/adapters/memory/memory-node-network.ts';
import { MemoryRelayDisk, stateOf } from '../src/adapters/memory/memory-relay-disk.ts';
import { memoryStores } from '../src/adapters/memory/memory-stores.ts';
import { MemoryPendingStore } from '../src/adapters/memory/pending-store.ts';
import { MemoryPresence } from '../src/adapters/memory/presence.ts';
import { MemorySendReceipts } from '../src/adapters/memory/send-receipts.ts';
import { start } from '../src/conformance/samples.ts';
import { systemRandomness } from '../src/platform/system-randomness.ts';
import type { Clock } from '../src/ports/clock.ts';
import type { Timers } from '../src/ports/timers.ts';
import type { MailCounts, MailGround, NodeGround } from './mail-ground.ts';

/** Engines in memory, and a network that tests can break. */
export class MemoryGround implements MailGround {
  readonly topics = { toUser: 'user2user_message', toGroup: 'group_message', poison: 'poison_message' };
  readonly group = 'dispatchers';
  readonly broker = new MemoryLogBroker();
  readonly pending = new MemoryPendingStore();
  readonly network: MemoryNodeNetwork;
  readonly #disk = new MemoryRelayDisk();
  readonly #presence = new MemoryPresence(systemRandomness);
  readonly #ledger = new MemoryMailLedger();
  readonly #receipts = new MemorySendReceipts(systemRandomness);
  readonly #listed = new MemoryListedDevices(stateOf(this.#disk));
  readonly #clock: Clock;
  readonly #timers: Timers;
  #records = 0;
  #started = 0;

  constructor(clock: Clock, timers: Timers) {
    this.#clock = clock;
    this.#timers = timers;
    this.network = new MemoryNodeNetwork({ clock, timers });
    for (const topic of Object.values(this.topics)) this.broker.makeTopic(topic, 3);
  }

  async node(): Promise<NodeGround> {
    const name = `node-${++this.#started}:1/start`;
    // The log has a clock of its own, and no two records the same time.
    const clock = { now: () => start + this.#records++ };
    const log = new MemoryMailLog({ broker: this.broker, clock, timers: this.#timers });
    return {
      log,
      link: this.network.open(name),
      pending: this.pending,
      presence: this.#presence,
      receipts: this.#receipts,
      ledger: this.#ledger,
      listed: this.#listed,
      close: () => log.close(),
      crash: () => {
        this.network.crash(name);
        log.freeze();
      },
    };
  }

  async counts(): Promise<MailCounts> {
    const receipts = new MemorySendReceipts(systemRandomness);
    return { receipts, ledger: new MemoryMailLedger(), close: () => Promise.resolve() };
  }

  accounts() {
    return { ...memoryStores({ clock: this.#clock, disk: this.#disk }), listed: this.#listed };
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
