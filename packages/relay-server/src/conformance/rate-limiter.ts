import type { RateLimiter } from '../ports/rate-limiter.ts';
import { type HarnessMaker, suite } from './harness.ts';
import type { Runner } from './runner.ts';
import { start } from './samples.ts';

const limit = { burst: 3, refillMs: 1000 };

/** What every `RateLimiter` must hold. */
export function rateLimiterConformance(
  runner: Runner,
  maker: HarnessMaker<{ readonly rateLimiter: RateLimiter }>,
): void {
  const { expect } = runner;
  suite(runner, 'RateLimiter', maker, ({ check }) => {
    check('allows the burst, then says how long to wait, exactly', async ({ stores: { rateLimiter }, clock }) => {
      for (let call = 0; call < 3; call++) expect(await rateLimiter.take('a', 1, limit)).toEqual({ allowed: true });
      expect(await rateLimiter.take('a', 1, limit)).toEqual({ allowed: false, retryAfterMs: 1000 });
      clock.set(start + 999);
      expect(await rateLimiter.take('a', 1, limit)).toEqual({ allowed: false, retryAfterMs: 1 });
      clock.set(start + 1000);
      expect(await rateLimiter.take('a', 1, limit)).toEqual({ allowed: true });
      expect(await rateLimiter.take('a', 1, limit)).toEqual({ allowed: false, retryAfterMs: 1000 });
    });

    check('a refused call takes nothing', async ({ stores: { rateLimiter } }) => {
      expect(await rateLimiter.take('a', 2, limit)).toEqual({ allowed: true });
      for (let call = 0; call < 5; call++) {
        expect(await rateLimiter.take('a', 2, limit)).toEqual({ allowed: false, retryAfterMs: 1000 });
      }
      expect(await rateLimiter.take('a', 1, limit)).toEqual({ allowed: true });
    });

    check('never holds more than the burst', async ({ stores: { rateLimiter }, clock }) => {
      await rateLimiter.take('a', 1, limit);
      clock.set(start + 1_000_000);
      expect(await rateLimiter.take('a', 4, limit)).toEqual({ allowed: false, retryAfterMs: 1000 });
      expect(await rateLimiter.take('a', 3, limit)).toEqual({ allowed: true });
    });

    check('keys have buckets of their own', async ({ stores: { rateLimiter } }) => {
      expect(await rateLimiter.take('a', 3, limit)).toEqual({ allowed: true });
      expect(await rateLimiter.take('b', 3, limit)).toEqual({ allowed: true });
      expect((await rateLimiter.take('a', 1, limit)).allowed).toBe(false);
    });

    check('parallel calls get no more than there is', async ({ stores: { rateLimiter } }) => {
      const calls = await Promise.all(Array.from({ length: 50 }, () => rateLimiter.take('a', 1, limit)));
      expect(calls.filter(({ allowed }) => allowed).length).toBe(3);
    });

    check('a clock that is set back neither gives nor takes', async ({ stores: { rateLimiter }, clock }) => {
      await rateLimiter.take('a', 2, limit);
      clock.set(start - 3_600_000);
      expect(await rateLimiter.take('a', 1, limit)).toEqual({ allowed: true });
      expect(await rateLimiter.take('a', 1, limit)).toEqual({ allowed: false, retryAfterMs: 1000 });
      clock.set(start - 3_600_000 + 1000);
      expect(await rateLimiter.take('a', 1, limit)).toEqual({ allowed: true });
    });

    check('many keys leave the ones in use as they are', async ({ stores: { rateLimiter }, clock }) => {
      await rateLimiter.take('busy', 3, { burst: 3, refillMs: 1_000_000_000 });
      for (let key = 0; key < 10_000; key++) {
        if (key === 5000) clock.set(start + 60_000);
        await rateLimiter.take(`key ${key}`, 1, limit);
      }
      expect((await rateLimiter.take('busy', 1, { burst: 3, refillMs: 1_000_000_000 })).allowed).toBe(false);
    });
  });
}
