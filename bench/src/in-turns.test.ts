import { describe, expect, it } from 'vitest';
import { inTurns } from './in-turns.ts';

describe('work in turns', () => {
  it('is done for each item, never too much at once, and its results stand in order', async () => {
    let running = 0;
    let most = 0;
    const results = await inTurns([1, 2, 3, 4, 5], 2, async (item, at) => {
      most = Math.max(most, ++running);
      for (let turn = 0; turn < 6 - item; turn++) await Promise.resolve();
      running--;
      return [item, at];
    });
    expect(results).toEqual([1, 2, 3, 4, 5].map((item, at) => [item, at]));
    expect(most).toBe(2);
  });
});
