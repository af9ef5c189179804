import type { Timers } from '../../ports/timers.ts';

interface Passing {
  readonly arrive: () => void;
  isDue: boolean;
}

/** One direction between two nodes: what goes in comes out in its order, later, or never. */
export class MemoryNodeLine {
  readonly #timers: Timers;
  #passing: Passing[] = [];
  #toLose = 0;
  #delayMs = 0;

  constructor(timers: Timers) {
    this.#timers = timers;
  }

  /** How long what is sent from now on takes; it overtakes nothing all the same. */
  delay(ms: number): void {
    this.#delayMs = ms;
  }

  /** The next `count` messages never arrive, and nobody is told. */
  lose(count: number): void {
    this.#toLose += count;
  }

  send(arrive: () => void): void {
    if (this.#toLose > 0) {
      this.#toLose--;
      return;
    }
    this.end(arrive);
  }

  /** The last that is sent: it arrives behind all the others, and is not lost. */
  end(arrive: () => void): void {
    const passing = { arrive, isDue: false };
    this.#passing.push(passing);
    const due = () => {
      passing.isDue = true;
      this.#arrivals();
    };
    // Never within the call that sent it, as over any network.
    if (this.#delayMs > 0) this.#timers.after(this.#delayMs, due);
    else queueMicrotask(due);
  }

  /** What is on its way never arrives. */
  clear(): void {
    this.#passing = [];
  }

  #arrivals(): void {
    while (this.#passing[0]?.isDue === true) this.#passing.shift()?.arrive();
  }
}
