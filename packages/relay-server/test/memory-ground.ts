import { MemoryMailLedger } from '../src/adapters/memory/mail-ledger.ts';
import { MemoryEngines } from '../src/adapters/memory/memory-engines.ts';
import { memoryStores } from '../src/adapters/memory/memory-stores.ts';
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
  readonly engines: MemoryEngines;
  readonly #clock: Clock;
  #records = 0;
  #started = 0;

  constructor(clock: Clock, timers: Timers, partitions?: number) {
    this.#clock = clock;
    this.engines = new MemoryEngines({
      clock,
      timers,
      // The log has a clock of its own, and no two records the same time.
      logClock: { now: () => start + this.#records++ },
      topics: Object.values(this.topics),
      ...(partitions === undefined ? {} : { partitions }),
    });
  }

  async node(): Promise<NodeGround> {
    const { network } = this.engines;
    const name = `node-${++this.#started}:1/start`;
    const engines = this.engines.open();
    return {
      ...engines,
      link: network.open(name),
      crash: () => {
        network.crash(name);
        engines.log.freeze();
      },
    };
  }

  async counts(): Promise<MailCounts> {
    const receipts = new MemorySendReceipts(systemRandomness);
    return { receipts, ledger: new MemoryMailLedger(), close: () => Promise.resolve() };
  }

  accounts() {
    const { disk, listed } = this.engines;
    return { ...memoryStores({ clock: this.#clock, disk }), listed };
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
