import type { LimitsConfig } from '../config/relay-config.ts';
import type { NumberMac, UserId } from '../ports/ids.ts';
import type { RateLimit, RateLimiter } from '../ports/rate-limiter.ts';
import { RelayError } from '../relay-error.ts';

/** How often somebody may do what is dear or tells something. Each method throws `rate-limited` with the time to wait. */
export class Limits {
  readonly #limiter: RateLimiter;
  readonly #config: LimitsConfig;

  constructor(limiter: RateLimiter, config: LimitsConfig) {
    this.#limiter = limiter;
    this.#config = config;
  }

  /** A verification code: by address, by number, and altogether, in this order, so that one address can't use up the others' share. */
  async takeCode(number: NumberMac, address: string): Promise<void> {
    await this.#take(`code-address ${address}`, 1, this.#config.codesPerAddress);
    await this.#take(`code-number ${Buffer.from(number).toString('base64url')}`, 1, this.#config.codesPerNumber);
    await this.#take('codes', 1, this.#config.codesInAll);
  }

  /** Numbers that an account looks up. */
  async takeLookups(user: UserId, numbers: number): Promise<void> {
    await this.#take(`lookup ${user}`, numbers, this.#config.lookupsPerAccount);
  }

  /** Key bundles that one account takes of another. */
  async takeBundle(requester: UserId, target: UserId): Promise<void> {
    await this.#take(`bundle ${requester} ${target}`, 1, this.#config.bundlesPerPair);
  }

  async #take(key: string, cost: number, limit: RateLimit): Promise<void> {
    const taken = await this.#limiter.take(key, cost, limit);
    if (taken.allowed) return;
    throw new RelayError('rate-limited', 'Too often: wait, then try again.', {
      retryable: true,
      retryAfterMs: taken.retryAfterMs,
    });
  }
}
