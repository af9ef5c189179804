import { setTimeout as pause } from 'node:timers/promises';
import type { Seeded } from '../crash/seeded.ts';
import { networkFaults } from '../network/fault-proxy.ts';
import type { SoakWorld } from './soak-world.ts';
import type { Tally } from './tally.ts';

const second = 1_000;
const hour = 3_600 * second;
const day = 24 * hour;

/** One kind of fault that is not a kill. */
interface Fault {
  readonly kind: string;
  run(): Promise<void>;
}

/** Faults that pass: processes that stand still, full disks, broken networks, clocks that jump. */
export class Weather {
  readonly #world: SoakWorld;
  readonly #tally: Tally;
  readonly #seeded: Seeded;
  /** How long a process may stand still. */
  readonly #longestStopMs: number;
  readonly #signal: AbortSignal;
  #deck: Fault[] = [];

  /** @param parts.signal ends every fault that is under way */
  constructor(parts: { world: SoakWorld; tally: Tally; seeded: Seeded; longestStopMs: number; signal: AbortSignal }) {
    this.#world = parts.world;
    this.#tally = parts.tally;
    this.#seeded = parts.seeded;
    this.#longestStopMs = parts.longestStopMs;
    this.#signal = parts.signal;
  }

  /** How many kinds there are. */
  get kinds(): number {
    return this.#all().length;
  }

  /** The next fault of a deck that is shuffled each time it is through; resolves when it has passed. */
  async next(): Promise<void> {
    if (this.#deck.length === 0) this.#deck = this.#shuffled(this.#all());
    const fault = this.#deck.pop();
    if (fault === undefined) return;
    this.#tally.fault(fault.kind);
    await fault.run();
  }

  #all(): Fault[] {
    const { relay, hosts, disks, proxies } = this.#world;
    const host = () => hosts[this.#seeded.between(0, hosts.length - 1)] ?? relay;
    const proxy = () => proxies[this.#seeded.between(0, proxies.length - 1)];
    const faults: Fault[] = networkFaults.map((fault) => ({
      kind: `network ${fault}`,
      run: async () => {
        const chosen = proxy();
        await chosen?.set(fault);
        await this.#while(this.#seeded.between(1, 6) * second);
        await chosen?.set('pass');
      },
    }));
    faults.push(
      { kind: 'SIGSTOP client', run: () => this.#stop(host()) },
      { kind: 'SIGSTOP relay', run: () => this.#stop(relay) },
      { kind: 'clock client', run: () => this.#jump(host(), 9 * day) },
      { kind: 'clock relay', run: () => this.#jump(relay, 9 * day) },
    );
    const { relay: relayDisk, host: hostDisk } = disks;
    const [first] = hosts;
    if (relayDisk) faults.push({ kind: 'disk full relay', run: () => this.#fill(relayDisk, relay) });
    if (hostDisk && first) faults.push({ kind: 'disk full client', run: () => this.#fill(hostDisk, first) });
    return faults;
  }

  /** Resolves after so long, or when all has to end. */
  async #while(ms: number): Promise<void> {
    try {
      await pause(ms, undefined, { signal: this.#signal });
    } catch (error) {
      if (!this.#signal.aborted) throw error;
    }
  }

  async #stop(victim: SoakWorld['victims'][number]): Promise<void> {
    const least = 5 * second;
    const share = this.#seeded.between(0, 1_000) / 1_000;
    // Short ones are more frequent: while the relay stands still nothing else happens.
    const ms = least + share ** 3 * (this.#longestStopMs - least);
    await victim.alone(async () => {
      victim.stop();
      await this.#while(ms);
      victim.continue();
    });
  }

  /** Minutes or days, to either side, from the right time. */
  async #jump(victim: SoakWorld['victims'][number], farthest: number): Promise<void> {
    const size = this.#seeded.oneOf(5 * 60 * second, 3 * hour, 2 * day, farthest);
    await victim.setClock(this.#seeded.oneOf(1, -1) * this.#seeded.between(0, size));
  }

  async #fill(disk: { fill(): void; free(): void }, victim: SoakWorld['victims'][number]): Promise<void> {
    victim.mayFail = true;
    disk.fill();
    await this.#while(this.#seeded.between(1, 4) * second);
    disk.free();
    await victim.alone(async () => {
      await victim.revive();
      victim.mayFail = false;
    });
  }

  #shuffled(faults: Fault[]): Fault[] {
    for (let at = faults.length - 1; at > 0; at--) {
      const other = this.#seeded.between(0, at);
      [faults[at], faults[other]] = [faults[other] as Fault, faults[at] as Fault];
    }
    return faults;
  }
}
