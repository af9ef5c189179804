/** How much may happen: `burst` at once, and from then on `perSecond`. */
export interface Rate {
  readonly burst: number;
  readonly perSecond: number;
}

/** What is left of a bucket, as of a time. */
export interface Bucket {
  readonly tokens: number;
  readonly at: number;
}

/** A bucket that nothing was taken from. */
export function fullBucket(rate: Rate, now: number): Bucket {
  return { tokens: rate.burst, at: now };
}

/** The bucket as it is now: refilled for the time since. A clock that went back refills nothing. */
export function refilled(bucket: Bucket, rate: Rate, now: number): Bucket {
  const passed = Math.max(0, now - bucket.at);
  return { tokens: Math.min(rate.burst, bucket.tokens + (passed * rate.perSecond) / 1_000), at: now };
}

/** How long until this many tokens are there, in milliseconds; 0 when they are. */
export function waitFor(bucket: Bucket, rate: Rate, tokens: number): number {
  const missing = tokens - bucket.tokens;
  // A sum of parts may fall short of a whole by its rounding.
  return missing <= 1e-9 ? 0 : Math.ceil((missing * 1_000) / rate.perSecond);
}
