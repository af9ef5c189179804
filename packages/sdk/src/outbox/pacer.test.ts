import { describe, expect, it } from 'vitest';
import type { Rate } from '../limits/token-bucket.ts';
import { Pacer } from './pacer.ts';

const limit: Rate = { burst: 20, perSecond: 10 };

/** What the relay does: a bucket of `burst`, refilled with time. */
class RelayBucket {
  private tokens: number;
  private at = 0;
  refused = 0;

  private readonly rate: Rate;

  constructor(rate: Rate) {
    this.rate = rate;
    this.tokens = rate.burst;
  }

  take(now: number): void {
    this.tokens = Math.min(this.rate.burst, this.tokens + ((now - this.at) * this.rate.perSecond) / 1_000);
    this.at = now;
    if (this.tokens < 1) this.refused++;
    else this.tokens -= 1;
  }
}

describe('the pacer', () => {
  it('lets everything go when there is no limit', () => {
    const pacer = new Pacer();
    const none = { burst: 0, perSecond: 0 };
    expect(pacer.room(10_000, none, 0)).toBe(10_000);
    expect(pacer.wait(10_000, none, 0)).toBe(0);
  });

  it('sends as fast as the relay allows, and not one too many, also when they arrive closer together than they left', () => {
    const pacer = new Pacer();
    const relay = new RelayBucket(limit);
    let now = 0;
    let left = 500;
    for (let rounds = 0; left > 0 && rounds < 10_000; rounds++) {
      const count = pacer.room(left, limit, now);
      pacer.take(count, limit, now);
      // Every other batch is a little late, and the next one follows at once.
      for (let sent = 0; sent < count; sent++) relay.take(now + (rounds % 2 === 0 ? 100 : 0));
      left -= count;
      if (left > 0) now += Math.max(1, pacer.wait(left, limit, now));
    }
    expect([left, relay.refused]).toEqual([0, 0]);
    // 482 behind a burst of 18, ten a second.
    expect(now).toBeGreaterThanOrEqual(48_200);
    expect(now).toBeLessThanOrEqual(48_600);
  });

  it('gives a batch at a time, not one by one, and at least one', () => {
    const pacer = new Pacer();
    pacer.take(18, limit, 0);
    expect(pacer.room(1, limit, 0)).toBe(0);
    expect(pacer.wait(100, limit, 0)).toBe(300);
    expect(pacer.wait(1, limit, 0)).toBe(100);
    expect(pacer.room(100, limit, 300)).toBe(3);
    const slow = { burst: 1, perSecond: 0.5 };
    const other = new Pacer();
    other.take(other.room(5, slow, 0), slow, 0);
    expect(other.wait(5, slow, 0)).toBe(2_000);
  });

  it('does not forget what was used when the limit changes, nor gain by a clock that goes back', () => {
    const pacer = new Pacer();
    pacer.take(18, limit, 10_000);
    expect(pacer.room(100, limit, 5_000)).toBe(0);
    const wider = { burst: 40, perSecond: 10 };
    expect(pacer.room(100, wider, 5_000)).toBe(18);
  });

  it.each([
    ['of a relay that is slower since its start', { burst: 2_000, perSecond: 500 }, { burst: 20, perSecond: 2 }],
    ['of strangers, after that of contacts', { burst: 600, perSecond: 100 }, { burst: 60, perSecond: 1 }],
  ])('has nothing left below a lower limit, and no debt: %s', (_, before, lower) => {
    const pacer = new Pacer();
    pacer.take(pacer.room(10_000, before, 0), before, 0);
    expect(pacer.room(1, lower, 0)).toBe(0);
    expect(pacer.wait(1, lower, 0)).toBe(1_000 / lower.perSecond);
    expect(pacer.room(1, lower, 1_000 / lower.perSecond)).toBe(1);
  });
});
