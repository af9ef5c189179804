import { describe, expect, it } from 'vitest';
import { ManualTime } from '../../test/manual-time.ts';
import type { EngineCheck } from '../ports/cluster-engines.ts';
import { RelayError } from '../relay-error.ts';
import { EngineChecks } from './engine-checks.ts';

/** An engine that answers, refuses or is silent, as it is told. */
class Engine implements EngineCheck {
  readonly engine: string;
  asked = 0;
  state: 'up' | 'down' | 'silent' = 'up';
  #speak: () => void = () => undefined;

  constructor(engine: string) {
    this.engine = engine;
  }

  async check(): Promise<void> {
    this.asked++;
    if (this.state === 'silent') {
      await new Promise<void>((resolve) => {
        this.#speak = resolve;
      });
    }
    if (this.state === 'down')
      throw new RelayError('store-unavailable', 'nobody at 10.0.0.1:9092', { retryable: true });
  }

  speak(): void {
    this.#speak();
  }
}

/** Whoever answers at once has. */
function answered(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function world() {
  const time = new ManualTime();
  const engines = [new Engine('Kafka'), new Engine('Cassandra'), new Engine('Redis')] as const;
  const log: unknown[] = [];
  const note =
    (level: string) =>
    (event: string, fields: object = {}) =>
      void log.push({ level, event, ...fields });
  const logger = { debug: note('debug'), info: note('info'), warn: note('warn'), error: note('error') };
  const checks = new EngineChecks({ checks: engines, clock: time, timers: time, logger });
  return { time, engines, log, checks };
}

describe('EngineChecks', () => {
  it('names those that refuse and those that say nothing, each once in the log', async () => {
    const { time, engines, log, checks } = world();
    const [kafka, cassandra, redis] = engines;
    expect(await checks.missing()).toEqual([]);
    kafka.state = 'down';
    redis.state = 'silent';
    time.jump(1_000);
    const missing = checks.missing();
    await answered();
    time.advance(3_000);
    expect(await missing).toEqual(['Kafka', 'Redis']);
    time.jump(1_000);
    const again = checks.missing();
    await answered();
    time.advance(3_000);
    expect(await again).toEqual(['Kafka', 'Redis']);
    expect(cassandra.asked).toBe(3);
    kafka.state = 'up';
    redis.state = 'up';
    redis.speak();
    time.jump(1_000);
    expect(await checks.missing()).toEqual([]);
    expect(log).toEqual([
      { level: 'error', event: 'engine.missing', engine: 'Kafka', code: 'store-unavailable' },
      { level: 'error', event: 'engine.missing', engine: 'Redis', code: 'store-unavailable' },
      { level: 'info', event: 'engine.back', engine: 'Kafka' },
      { level: 'info', event: 'engine.back', engine: 'Redis' },
    ]);
    expect(time.pending).toBe(0);
  });

  it('asks an engine once a second at most, and one that is silent not at all', async () => {
    const { time, engines, checks } = world();
    const [kafka, cassandra] = engines;
    cassandra.state = 'silent';
    const asked = Array.from({ length: 1_000 }, () => checks.missing());
    await answered();
    time.advance(3_000);
    expect(new Set((await Promise.all(asked)).map(String))).toEqual(new Set(['Cassandra']));
    expect([kafka.asked, cassandra.asked]).toEqual([1, 1]);
    time.jump(999);
    await checks.missing();
    expect(kafka.asked).toBe(1);
    time.jump(1);
    const later = checks.missing();
    await answered();
    time.advance(3_000);
    await later;
    expect([kafka.asked, cassandra.asked]).toEqual([2, 1]);
    // A clock that goes back does not keep the answer for longer.
    time.jump(-10_000);
    const back = checks.missing();
    await answered();
    time.advance(3_000);
    await back;
    expect(kafka.asked).toBe(3);
    cassandra.speak();
  });
});
