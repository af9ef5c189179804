import { describe, expect, it } from 'vitest';
import { newSendId } from './send-id.ts';

const randomness = { bytes: (count: number) => new Uint8Array(count).fill(7), fraction: () => 0 };

describe('newSendId', () => {
  it('has 16 bytes: the time, then random ones', () => {
    const id = newSendId(0x0102_0304_0506, randomness);
    expect([...id]).toEqual([1, 2, 3, 4, 5, 6, ...new Array(10).fill(7)]);
  });

  it('has 16 bytes whatever the clock says', () => {
    expect([...newSendId(-5.5, randomness)].slice(0, 6)).toEqual([0, 0, 0, 0, 0, 0]);
    expect([...newSendId(1.9, randomness)].slice(0, 6)).toEqual([0, 0, 0, 0, 0, 1]);
    expect([...newSendId(2 ** 48 + 2, randomness)].slice(0, 6)).toEqual([0, 0, 0, 0, 0, 2]);
  });
});
