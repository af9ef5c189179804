import { type Limits, tooOften } from '../limits/limits.ts';
import type { Clock } from '../ports/clock.ts';
import type { Logger } from '../ports/logger.ts';

/** What a `CodeBreaker` works with. */
export interface CodeBreakerParts {
  readonly limits: Limits;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly breakerMs: number;
}

/** Stops all verification codes for a while once their common budget was used up: what bounds the bill when every other limit was got round. */
export class CodeBreaker {
  readonly #parts: CodeBreakerParts;
  #openUntil = 0;

  constructor(parts: CodeBreakerParts) {
    this.#parts = parts;
  }

  /** @throws {RelayError} `rate-limited` while it is open */
  check(): void {
    const { clock, breakerMs } = this.#parts;
    const now = clock.now();
    // A clock that was set back keeps nobody out for longer than this.
    this.#openUntil = Math.min(this.#openUntil, now + breakerMs);
    if (this.#openUntil > now) throw tooOften(this.#openUntil - now);
  }

  /**
   * Takes one of the common budget.
   * @throws {RelayError} `rate-limited` when there is none, and then it opens
   */
  async take(): Promise<void> {
    const { limits, clock, logger, breakerMs } = this.#parts;
    const waitMs = await limits.takeOneOfAllCodes();
    if (waitMs === 0) return;
    this.#openUntil = clock.now() + breakerMs;
    logger.error('codes.budget-used-up');
    throw tooOften(Math.max(waitMs, breakerMs));
  }
}
