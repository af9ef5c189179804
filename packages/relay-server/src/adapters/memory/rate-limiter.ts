import type { Clock } from '../../ports/clock.ts';
import type { RateLimit, RateLimiter } from '../../ports/rate-limiter.ts';

interface Bucket {
  /** Milliseconds of refilling that are in it: whole numbers, where parts of a token would be off by a little. */
  readonly credit: number;
  readonly at: number;
  readonly limit: RateLimit;
}

/** How many calls pass between two removals of full buckets, so that keys that are gone cost no memory. */
const callsPerSweep = 4096;

/** Token buckets in one process. */
export class MemoryRateLimiter implements RateLimiter {
  readonly #buckets = new Map<string, Bucket>();
  readonly #clock: Clock;
  #calls = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async take(
    key: string,
    cost: number,
    limit: RateLimit,
  ): Promise<{ readonly allowed: true } | { readonly allowed: false; readonly retryAfterMs: number }> {
    const now = this.#clock.now();
    if (++this.#calls % callsPerSweep === 0) this.#sweep(now);
    const credit = creditAt(this.#buckets.get(key), limit, now);
    const price = cost * limit.refillMs;
    const isAllowed = price <= credit;
    this.#buckets.set(key, { credit: isAllowed ? credit - price : credit, at: now, limit });
    return isAllowed ? { allowed: true } : { allowed: false, retryAfterMs: Math.ceil(price - credit) };
  }

  #sweep(now: number): void {
    for (const [key, bucket] of this.#buckets) {
      if (creditAt(bucket, bucket.limit, now) >= fullCredit(bucket.limit)) this.#buckets.delete(key);
    }
  }
}

function fullCredit(limit: RateLimit): number {
  return limit.burst * limit.refillMs;
}

function creditAt(bucket: Bucket | undefined, limit: RateLimit, now: number): number {
  if (bucket === undefined) return fullCredit(limit);
  // A clock that was set back refills nothing and takes nothing.
  const passed = Math.max(0, now - bucket.at);
  return Math.min(fullCredit(limit), bucket.credit + passed);
}
