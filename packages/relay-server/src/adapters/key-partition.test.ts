import { describe, expect, it } from 'vitest';
import { murmur2, partitionOf } from './key-partition.ts';

describe('the partition of a key', () => {
  // The cases of Kafka's own UtilsTest.
  it.each([
    ['21', -973932308],
    ['foobar', -790332482],
    ['a-little-bit-long-string', -985981536],
    ['a-little-bit-longer-string', -1486304829],
    ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
    ['abc', 479470107],
  ])('hashes %s as Kafka does', (text, hash) => {
    expect(murmur2(Buffer.from(text))).toBe(hash);
  });

  it('spreads keys over all partitions', () => {
    const keys = Array.from({ length: 2000 }, (_, index) => Buffer.from(`key ${index}`));
    const counts = new Array<number>(64).fill(0);
    for (const key of keys) counts[partitionOf(key, 64)] = (counts[partitionOf(key, 64)] ?? 0) + 1;
    expect(Math.min(...counts)).toBeGreaterThan(5);
    expect(partitionOf(new Uint8Array(0), 64)).toBeLessThan(64);
  });
});
