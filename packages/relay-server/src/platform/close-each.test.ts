import { describe, expect, it } from 'vitest';
import { closeEach } from './close-each.ts';

describe('closeEach', () => {
  it('takes every step in its order, whatever fails, and throws what failed first', async () => {
    const taken: number[] = [];
    const step = (at: number, end: () => unknown) => () => {
      taken.push(at);
      return end();
    };
    const fails = (name: string) => () => {
      throw new Error(name);
    };
    const closing = closeEach([
      step(1, () => undefined),
      step(2, async () => fails('second')()),
      step(3, fails('third')),
      step(4, async () => taken.push(5)),
    ]);
    await expect(closing).rejects.toThrow('second');
    expect(taken).toEqual([1, 2, 3, 4, 5]);
    await closeEach([]);
  });
});
