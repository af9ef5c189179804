import { describe, expect, it } from 'vitest';
import { JoinedReads } from './joined-reads.ts';

/** Reads that end when the test says so: each gives what the value was when it began. */
function world() {
  let value = 0;
  const began: (() => void)[] = [];
  const reads = new JoinedReads((key: string) => {
    const seen = `${key}${value}`;
    return new Promise<string>((resolve, reject) => {
      began.push(() => (seen.endsWith('9') ? reject(new Error('nine')) : resolve(seen)));
    });
  });
  const set = (next: number) => {
    value = next;
  };
  const end = async () => {
    began.shift()?.();
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { reads, began, set, end };
}

describe('JoinedReads', () => {
  it('gives nobody what was read before it was asked for, and reads twice for a thousand', async () => {
    const { reads, began, set, end } = world();
    const first = reads.read('a');
    set(1);
    const later = Array.from({ length: 1_000 }, () => reads.read('a'));
    expect(began).toHaveLength(1);
    await end();
    expect(began).toHaveLength(1);
    await end();
    expect(await first).toBe('a0');
    expect(new Set(await Promise.all(later))).toEqual(new Set(['a1']));
    set(2);
    const last = reads.read('a');
    await end();
    expect(await last).toBe('a2');
  });

  it('joins nothing of another key, and goes on after a failure', async () => {
    const { reads, began, set, end } = world();
    set(9);
    const failing = reads.read('a');
    const other = reads.read('b');
    set(3);
    const behind = reads.read('a');
    expect(began).toHaveLength(2);
    const failures = Promise.allSettled([failing, other]);
    await end();
    await end();
    await end();
    expect((await failures).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(await behind).toBe('a3');
  });
});
