import { describe, expect, it } from 'vitest';
import { CircuitBreaker } from './circuit-breaker.ts';

const settings = { backOffMs: 100, mostBackOffMs: 300, breakAfter: 4, coolDownMs: 2_000 };
/** Half of everything. */
const half = { bytes: () => new Uint8Array([128, 0, 0, 0]) };

describe('a circuit breaker', () => {
  it('waits up to twice as long each time, then refuses, and again after each attempt that fails', () => {
    const breaker = new CircuitBreaker(settings, half);
    expect(Array.from({ length: 6 }, () => breaker.failed(false))).toEqual([
      { isOpen: false, waitMs: 50 },
      { isOpen: false, waitMs: 100 },
      { isOpen: false, waitMs: 150 },
      { isOpen: true, waitMs: 1_500 },
      { isOpen: true, waitMs: 1_500 },
      { isOpen: true, waitMs: 1_500 },
    ]);
  });

  it('begins anew with a sign of life', () => {
    const breaker = new CircuitBreaker(settings, half);
    for (let failure = 0; failure < 5; failure++) breaker.failed(false);
    breaker.succeeded();
    expect(breaker.failed(false)).toEqual({ isOpen: false, waitMs: 50 });
  });

  it('refuses at once what will never come back', () => {
    const breaker = new CircuitBreaker(settings, half);
    expect([breaker.failed(true), breaker.failed(false)].map(({ isOpen }) => isOpen)).toEqual([true, true]);
  });

  it('draws what it waits: from nothing to all of a back-off, from half to all of a cool-down', () => {
    for (const [bytes, waits] of [
      [
        [0, 0, 0, 0],
        [0, 1_000],
      ],
      [
        [255, 255, 255, 255],
        [100, 2_000],
      ],
    ] as const) {
      const breaker = new CircuitBreaker(settings, { bytes: () => new Uint8Array(bytes) });
      expect([breaker.failed(false), breaker.failed(true)].map(({ waitMs }) => Math.round(waitMs))).toEqual(waits);
    }
  });
});
