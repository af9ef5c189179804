import { describe, expect, it } from 'vitest';
import { ReplayWindow } from './replay-window.ts';

function taken(window: ReplayWindow, counters: readonly number[]): readonly number[] {
  return counters.filter((counter) => {
    if (!window.isNew(counter)) return false;
    window.take(counter);
    return true;
  });
}

describe('the replay window', () => {
  it('takes each of the last 64 once, in any order, and none behind them', () => {
    const window = new ReplayWindow();
    expect(taken(window, [3, 1, 2, 3, 1])).toEqual([3, 1, 2]);
    expect(taken(window, [66, 3, 4, 66, 65, 4])).toEqual([66, 4, 65]);
    // 67 moves the window past 3.
    expect(taken(window, [67, 3, 67])).toEqual([67]);
  });

  it('survives a jump over all of it', () => {
    const window = new ReplayWindow();
    expect(taken(window, [1, 0xffff_ffff, 1, 0xffff_ffff, 0xffff_fffe, 0xffff_ffc0, 0xffff_ffbf])).toEqual([
      1, 0xffff_ffff, 0xffff_fffe, 0xffff_ffc0,
    ]);
  });

  it('agrees with a plain list of what was taken', () => {
    const window = new ReplayWindow();
    const known = new Set<number>();
    let state = 7;
    for (let round = 0; round < 5_000; round++) {
      state = (state * 48_271) % 0x7fff_ffff;
      const counter = 1 + Math.floor(round / 10) + (state % 100);
      const highest = Math.max(0, ...known);
      const isNew = !known.has(counter) && counter > highest - 64;
      expect(window.isNew(counter)).toBe(isNew);
      if (isNew) {
        window.take(counter);
        known.add(counter);
      }
    }
  });
});
