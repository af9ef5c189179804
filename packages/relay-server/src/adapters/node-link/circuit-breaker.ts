import type { Randomness } from '../../ports/randomness.ts';
import type { LinkSettings } from './link-settings.ts';

/** What to do after a failure: wait so long before the next attempt, and refuse meanwhile or not. */
export interface BreakerVerdict {
  readonly isOpen: boolean;
  readonly waitMs: number;
}

type BreakerSettings = Pick<LinkSettings, 'backOffMs' | 'mostBackOffMs' | 'breakAfter' | 'coolDownMs'>;

/** Counts failures in a row of one node, and says what follows. It knows no time: its owner waits. */
export class CircuitBreaker {
  readonly #settings: BreakerSettings;
  readonly #randomness: Randomness;
  #failures = 0;

  constructor(settings: BreakerSettings, randomness: Randomness) {
    this.#settings = settings;
    this.#randomness = randomness;
  }

  /** The other has given a sign of life. */
  succeeded(): void {
    this.#failures = 0;
  }

  /** An attempt failed, or a connection was lost; `isFinal`: there is no use in trying again soon. */
  failed(isFinal: boolean): BreakerVerdict {
    const { backOffMs, mostBackOffMs, breakAfter, coolDownMs } = this.#settings;
    this.#failures = isFinal ? Math.max(breakAfter, this.#failures + 1) : this.#failures + 1;
    if (this.#failures >= breakAfter) return { isOpen: true, waitMs: (coolDownMs * (1 + this.#fraction())) / 2 };
    const most = Math.min(mostBackOffMs, backOffMs * 2 ** (this.#failures - 1));
    return { isOpen: false, waitMs: most * this.#fraction() };
  }

  /** From 0 to below 1. */
  #fraction(): number {
    const [a = 0, b = 0, c = 0, d = 0] = this.#randomness.bytes(4);
    return (a * 2 ** 24 + b * 2 ** 16 + c * 2 ** 8 + d) / 2 ** 32;
  }
}
