import { setTimeout as pause } from 'node:timers/promises';
import type { Seeded } from '../crash/seeded.ts';
import type { Fault, FaultParts } from './soak-relays.ts';
import type { Tally } from './tally.ts';

/** What faults a weather has, and who hears of them. */
export interface WeatherParts {
  readonly tally: Tally;
  readonly seeded: Seeded;
  /** How long something may stand still. */
  readonly longestStopMs: number;
  /** Ends every fault that is under way. */
  readonly signal: AbortSignal;
  readonly faults: (parts: FaultParts) => readonly Fault[];
}

/** Faults that pass, one after the other, each kind once before one comes again. */
export class Weather {
  readonly #parts: WeatherParts;
  readonly #faults: readonly Fault[];
  #deck: Fault[] = [];

  constructor(parts: WeatherParts) {
    const { seeded, longestStopMs } = parts;
    this.#parts = parts;
    this.#faults = parts.faults({ seeded, longestStopMs, during: (ms) => this.#during(ms) });
    parts.tally.expect(this.#faults.map(({ kind }) => kind));
  }

  /** How many kinds there are. */
  get kinds(): number {
    return this.#faults.length;
  }

  /** The next fault of a deck that is shuffled each time it is through; resolves when it has passed. */
  async next(): Promise<void> {
    if (this.#deck.length === 0) this.#deck = this.#shuffled([...this.#faults]);
    const fault = this.#deck.pop();
    if (fault === undefined) return;
    this.#parts.tally.fault(fault.kind);
    await fault.run();
  }

  /** Resolves after so long, or when all has to end. */
  async #during(ms: number): Promise<void> {
    const { signal } = this.#parts;
    try {
      await pause(ms, undefined, { signal });
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }

  #shuffled(faults: Fault[]): Fault[] {
    for (let at = faults.length - 1; at > 0; at--) {
      const other = this.#parts.seeded.between(0, at);
      [faults[at], faults[other]] = [faults[other] as Fault, faults[at] as Fault];
    }
    return faults;
  }
}

/** How long something stands still: short ones are more frequent, since nothing else happens meanwhile. */
export function stopMs({ seeded, longestStopMs }: Pick<FaultParts, 'seeded' | 'longestStopMs'>): number {
  const least = 5_000;
  const share = seeded.between(0, 1_000) / 1_000;
  return least + share ** 3 * Math.max(0, longestStopMs - least);
}
