import type { Clock } from '../../ports/clock.ts';
import type { RateLimit, RateLimiter } from '../../ports/rate-limiter.ts';

interface Bucket {
  tokens: number;
  at: number;
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
    const tokens = tokensAt(this.#buckets.get(key), limit, now);
    if (cost > tokens) {
      this.#buckets.set(key, { tokens, at: now, limit });
      return { allowed: false, retryAfterMs: Math.ceil((cost - tokens) * limit.refillMs) };
    }
    this.#buckets.set(key, { tokens: tokens - cost, at: now, limit });
    return { allowed: true };
  }

  #sweep(now: number): void {
    for (const [key, bucket] of this.#buckets) {
      if (tokensAt(bucket, bucket.limit, now) >= bucket.limit.burst) this.#buckets.delete(key);
    }
  }
}

function tokensAt(bucket: Bucket | undefined, limit: RateLimit, now: number): number {
  if (bucket === undefined) return limit.burst;
  // A clock that was set back refills nothing and takes nothing.
  const passed = Math.max(0, now - bucket.at);
  return Math.min(limit.burst, bucket.tokens + passed / limit.refillMs);
}
