import { usageOf } from './process-usage.ts';
import { rounded } from './quantile.ts';

/** Adds up the CPU time that processes use for a work: what others do on the machine hardly touches it. */
export class CostMeter {
  readonly #pids: Readonly<Record<string, number>>;
  readonly #cpuMs = new Map<string, number>();
  #wallMs = 0;
  #items = 0;

  /** @param pids of the processes, by what they are called in the result */
  constructor(pids: Readonly<Record<string, number>>) {
    this.#pids = pids;
  }

  /** Measures a work that handles so many items. */
  async during<Result>(items: number, work: () => Promise<Result>): Promise<Result> {
    const before = this.#read();
    const began = performance.now();
    const result = await work();
    this.#wallMs += performance.now() - began;
    this.#items += items;
    for (const [name, cpuMs] of this.#read()) {
      this.#cpuMs.set(name, (this.#cpuMs.get(name) ?? 0) + cpuMs - (before.get(name) ?? 0));
    }
    return result;
  }

  /** Microseconds of CPU time an item, by process. */
  perItem(): Readonly<Record<string, number>> {
    return this.#each((cpuMs) => (cpuMs * 1_000) / this.#items);
  }

  /** Cores in use, by process: near 1 for a process of one thread means that it was as fast as it can be. */
  cores(): Readonly<Record<string, number>> {
    return this.#each((cpuMs) => cpuMs / this.#wallMs);
  }

  #each(of: (cpuMs: number) => number): Readonly<Record<string, number>> {
    return Object.fromEntries([...this.#cpuMs].map(([name, cpuMs]) => [name, rounded(of(cpuMs))]));
  }

  #read(): ReadonlyMap<string, number> {
    return new Map(Object.entries(this.#pids).map(([name, pid]) => [name, usageOf(pid).cpuMs]));
  }
}
