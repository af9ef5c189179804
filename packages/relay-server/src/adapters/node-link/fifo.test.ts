import { describe, expect, it } from 'vitest';
import { Fifo } from './fifo.ts';

describe('a queue', () => {
  it('gives what was added in its order, also what is added behind an end', () => {
    const queue = new Fifo<number>();
    const taken: (number | undefined)[] = [queue.take()];
    for (const entry of [1, 2, 3]) queue.add(entry);
    taken.push(queue.take());
    queue.add(4);
    taken.push(queue.take(), queue.take(), queue.take(), queue.take());
    queue.add(5);
    taken.push(queue.take(), queue.take());
    expect(taken).toEqual([undefined, 1, 2, 3, 4, undefined, 5, undefined]);
  });

  it('does not give what was taken out or cleared', () => {
    const queue = new Fifo<number>();
    for (const entry of [1, 2, 3, 4]) queue.add(entry);
    expect([queue.delete(1), queue.delete(1), queue.take(), queue.delete(3)]).toEqual([true, false, 2, true]);
    expect([queue.size, ...queue]).toEqual([1, 4]);
    queue.clear();
    queue.add(6);
    expect([queue.take(), queue.take()]).toEqual([6, undefined]);
  });

  it('takes no longer for much', () => {
    const queue = new Fifo<number>();
    for (let entry = 0; entry < 300_000; entry++) queue.add(entry);
    let sum = 0;
    for (let entry = queue.take(); entry !== undefined; entry = queue.take()) sum += entry;
    expect(sum).toBe((299_999 * 300_000) / 2);
  });
});
