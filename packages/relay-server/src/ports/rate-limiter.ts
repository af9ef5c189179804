/** A token bucket: `burst` at once, one more every `refillMs`. */
export interface RateLimit {
  readonly burst: number;
  readonly refillMs: number;
}

/** Token buckets by key. A key always comes with the same limit. */
export interface RateLimiter {
  /** Takes `cost` from the bucket of `key`, or says how long to wait; a refused call takes nothing. A cost above `burst` is never allowed. */
  take(
    key: string,
    cost: number,
    limit: RateLimit,
  ): Promise<{ readonly allowed: true } | { readonly allowed: false; readonly retryAfterMs: number }>;
}
