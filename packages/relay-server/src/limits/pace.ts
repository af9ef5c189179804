import type { RateLimit } from '../ports/rate-limiter.ts';

/**
 * A token bucket in one number, for paths on which each microsecond counts: the time at which it is full again; 0 = it is.
 *
 * `afterOne` is that time once one more was taken; `waitOf` says of it how many milliseconds are missing, 0 = it may be taken; `keptOf` is the time to keep.
 * A clock that was set back bars nobody for longer than an empty bucket does. `at` is when it was taken, if that is looked at later.
 */
export function afterOne(fullAt: number, { burst, refillMs }: RateLimit, now: number, at = now): number {
  return Math.min(Math.max(fullAt, at), now + burst * refillMs) + refillMs;
}

/** How long to wait until what `afterOne` gave may be taken. */
export function waitOf(next: number, { burst, refillMs }: RateLimit, now: number): number {
  return Math.max(0, next - now - burst * refillMs);
}

/**
 * The time to keep after it was looked at: with the one that was taken, or without the one that was not.
 * Also of the latter, since it is no later than an empty bucket's: a clock that was set back would otherwise find it empty until it has caught up.
 */
export function keptOf(next: number, wait: number, { refillMs }: RateLimit): number {
  return wait === 0 ? next : next - refillMs;
}
