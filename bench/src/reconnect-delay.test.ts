import { describe, expect, it } from 'vitest';
import { reconnectDelayMs } from './reconnect-delay.ts';

describe('the wait before a reconnection', () => {
  it('is spread over half a second, then over twice as long each time, up to a minute', () => {
    expect([0, 1, 2, 6, 7, 40].map((failures) => reconnectDelayMs(failures, 1))).toEqual([
      500, 1_000, 2_000, 32_000, 60_000, 60_000,
    ]);
    expect(reconnectDelayMs(3, 0)).toBe(0);
    expect(reconnectDelayMs(3, 0.25)).toBe(1_000);
  });
});
