import { describe, expect, it } from 'vitest';
import { readProc, readPs, usageOf } from './process-usage.ts';

describe('what a process uses', () => {
  it('is read from /proc, whatever the program is called', () => {
    const stat = '4711 (a) name (x) S 1 2 3 4 5 6 7 8 9 10 123 45 6 7 20 0 11 0 1 2 3';
    expect(readProc(stat, 'Name:\ta\nVmHWM:\t  99999 kB\nVmRSS:\t   20480 kB\n')).toEqual({
      cpuMs: 1_680,
      rssKib: 20_480,
    });
  });

  it.each([
    ['    01:02  2048\n', 62_000],
    ['00:01:02 2048', 62_000],
    ['2-01:00:00 2048', 176_400_000],
    ['0:01.25 2048', 1_250],
  ])('is read from a line of ps: %j', (line, cpuMs) => {
    expect(readPs(line)).toEqual({ cpuMs, rssKib: 2_048 });
  });

  it('is not made up for a process that has ended', () => {
    expect(() => readPs('\n')).toThrow('ps does not know');
    expect(() => usageOf(2 ** 22 + 1)).toThrow();
  });

  it('is there for this process', () => {
    expect(usageOf(process.pid).rssKib).toBeGreaterThan(1_000);
  });
});
