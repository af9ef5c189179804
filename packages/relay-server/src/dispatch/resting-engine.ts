import type { Clock } from '../ports/clock.ts';
import { RelayError } from '../relay-error.ts';

/** How long an engine that failed is not asked: not every send waits for its time-out. */
const restMs = 1_000;

/** An engine that can be done without: after it could not be had it is left alone for a moment. */
export class RestingEngine {
  readonly #clock: Clock;
  readonly #failed: (error: unknown) => void;
  #restsSince: number | undefined;

  constructor(clock: Clock, failed: (error: unknown) => void) {
    this.#clock = clock;
    this.#failed = failed;
  }

  /** What the engine answers; `undefined` when it can't be had. @throws what it throws but for `store-unavailable` */
  async ask<T>(call: () => Promise<T>): Promise<T | undefined> {
    if (this.#isResting()) return undefined;
    try {
      const answer = await call();
      this.#restsSince = undefined;
      return answer;
    } catch (error) {
      if (!(error instanceof RelayError) || error.code !== 'store-unavailable') throw error;
      this.#restsSince = this.#clock.now();
      this.#failed(error);
      return undefined;
    }
  }

  #isResting(): boolean {
    if (this.#restsSince === undefined) return false;
    const rested = this.#clock.now() - this.#restsSince;
    // A clock that was set back lets nobody rest for longer.
    if (rested >= 0 && rested < restMs) return true;
    // One asks whether it is back, while the others still go without.
    this.#restsSince = this.#clock.now();
    return false;
  }
}
