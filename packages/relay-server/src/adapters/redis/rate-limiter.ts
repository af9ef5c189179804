import type { Clock } from '../../ports/clock.ts';
import type { RateLimit, RateLimiter } from '../../ports/rate-limiter.ts';
import { clearedAfterMs, handleOf, type RedisDatabase } from './redis-database.ts';
import { redisScript } from './redis-script.ts';

/** How far the clocks of two nodes may be apart, in milliseconds. Less than this is no clock that was set back: the bucket keeps the latest instant, and nodes that take turns don't refill it by their difference. */
const clockToleranceMs = 10_000;

/** A bucket holds milliseconds of refilling, and the instant up to which it was refilled. Numbers are written so that they are read as they were. */
const take = redisScript(`
local now, price, full, tolerance, cleared = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local held = redis.call('HMGET', KEYS[1], 'credit', 'at')
local credit, at = full, now
if held[1] and held[2] then
  credit, at = tonumber(held[1]), tonumber(held[2])
  if now >= at then
    credit, at = credit + (now - at), now
  elseif at - now > tolerance then
    at = now
  end
  credit = math.min(credit, full)
end
local wait = 0
if price <= credit then credit = credit - price else wait = math.ceil(price - credit + (at - now)) end
redis.call('HSET', KEYS[1], 'credit', string.format('%.17g', credit), 'at', string.format('%.17g', at))
redis.call('PEXPIRE', KEYS[1], string.format('%.0f', math.ceil(full - credit + (at - now)) + cleared))
return wait`);

/**
 * Token buckets of all nodes together: one hash a bucket, under the SHA-256 of its key, changed in one step, and forgotten once it is full again.
 *
 * When Redis does not answer nothing is allowed: `take` rejects. A Redis that lost its data begins with full buckets.
 */
export class RedisRateLimiter implements RateLimiter {
  readonly #database: RedisDatabase;
  readonly #clock: Clock;

  constructor(database: RedisDatabase, clock: Clock) {
    this.#database = database;
    this.#clock = clock;
  }

  async take(
    key: string,
    cost: number,
    { burst, refillMs }: RateLimit,
  ): Promise<{ readonly allowed: true } | { readonly allowed: false; readonly retryAfterMs: number }> {
    const bucket = this.#database.key('limit', handleOf(key));
    const values = [this.#clock.now(), cost * refillMs, burst * refillMs, clockToleranceMs, clearedAfterMs];
    const wait = Number(await this.#database.run(take, bucket, ...values));
    return wait === 0 ? { allowed: true } : { allowed: false, retryAfterMs: wait };
  }
}
