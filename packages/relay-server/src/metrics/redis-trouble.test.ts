import { describe, expect, it } from 'vitest';
import { settableClock } from '../conformance/settable-clock.ts';
import { RelayError } from '../relay-error.ts';
import { RedisTrouble } from './redis-trouble.ts';

function watched() {
  const lines: unknown[] = [];
  const tell =
    (level: string) =>
    (...line: unknown[]) => {
      lines.push([level, ...line]);
    };
  const logger = { debug: tell('debug'), info: tell('info'), warn: tell('warn'), error: tell('error') };
  const clock = settableClock();
  const trouble = new RedisTrouble({ logger, clock });
  const error = new RelayError('store-unavailable', 'none');
  return {
    lines,
    pass: (ms: number) => clock.set(clock.now() + ms),
    ready: () => trouble.ready(),
    fail: (times: number) => {
      for (let time = 0; time < times; time++) trouble.failed(error);
    },
  };
}

const away = (count: number) => ['warn', 'redis.trouble', { code: 'store-unavailable', count }];
const back = (awayMs: number, count: number) => ['info', 'redis.back', { awayMs, count }];

describe('a Redis that goes away', () => {
  it('is told of once, however long it is away, and once when it is back', () => {
    const { lines, pass, ready, fail } = watched();
    ready();
    for (let minute = 0; minute < 60; minute++) {
      fail(30);
      pass(60_000);
    }
    expect(lines).toEqual([away(1)]);
    ready();
    ready();
    expect(lines).toEqual([away(1), back(3_600_000, 1_799)]);
  });

  it('and comes back at once, again and again, is told of once a minute', () => {
    const { lines, pass, ready, fail } = watched();
    for (let second = 0; second < 61; second++) {
      fail(1);
      ready();
      pass(1_000);
    }
    expect(lines).toEqual([away(1), back(0, 0), away(60), back(0, 0)]);
  });

  it('is told of by a clock that was set back', () => {
    const { lines, pass, ready, fail } = watched();
    fail(1);
    pass(-10_000);
    ready();
    fail(1);
    expect(lines).toEqual([away(1), back(0, 0), away(1)]);
  });
});
