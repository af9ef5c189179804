import type { Clock } from '../ports/clock.ts';
import type { Logger } from '../ports/logger.ts';
import type { RelayError } from '../relay-error.ts';

/** How long nothing more is said of a connection that comes and goes. */
const quietMs = 60_000;

/**
 * Tells operators that the connection to Redis is away, and that it is back: once each, however often it could not be made meanwhile.
 *
 * One that comes and goes is told of once a minute at most, with all that went wrong since it was told of last.
 */
export class RedisTrouble {
  readonly #logger: Logger;
  readonly #clock: Clock;
  #awaySince: number | undefined;
  #isTold = false;
  #toldAt: number | undefined;
  /** What went wrong and was not told of yet. */
  #untold = 0;

  constructor(parts: { readonly logger: Logger; readonly clock: Clock }) {
    this.#logger = parts.logger;
    this.#clock = parts.clock;
  }

  /** It broke, or could not be made. */
  failed({ code }: RelayError): void {
    const now = this.#clock.now();
    this.#awaySince ??= now;
    this.#untold++;
    if (this.#isTold || (this.#toldAt !== undefined && now >= this.#toldAt && now - this.#toldAt < quietMs)) return;
    const count = this.#untold;
    this.#isTold = true;
    this.#toldAt = now;
    this.#untold = 0;
    this.#logger.warn('redis.trouble', { code, count });
  }

  /** It was made. */
  ready(): void {
    const since = this.#awaySince;
    this.#awaySince = undefined;
    if (!this.#isTold || since === undefined) return;
    const awayMs = Math.max(0, this.#clock.now() - since);
    const count = this.#untold;
    this.#isTold = false;
    this.#untold = 0;
    this.#logger.info('redis.back', { awayMs, count });
  }
}
