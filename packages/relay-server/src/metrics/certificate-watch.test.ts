import { describe, expect, it } from 'vitest';
import { ManualTime } from '../../test/manual-time.ts';
import { prometheusMetrics } from '../adapters/metrics/prometheus-metrics.ts';
import { CertificateWatch } from './certificate-watch.ts';

const hour = 3_600_000;
const day = 24 * hour;

function watch(endsInMs: number) {
  const lines: unknown[] = [];
  const tell =
    (level: string) =>
    (...line: unknown[]) => {
      lines.push([level, ...line]);
    };
  const logger = { debug: tell('debug'), info: tell('info'), warn: tell('warn'), error: tell('error') };
  const [time, metrics] = [new ManualTime(), prometheusMetrics()];
  const endsAt = time.now() + endsInMs;
  let aheadMs = 0;
  const clock = { now: () => time.now() + aheadMs };
  const watched = new CertificateWatch({ metrics, logger, clock, timers: time, endsAt });
  watched.start();
  const setClock = (ms: number) => {
    aheadMs += ms;
  };
  return { lines, time, metrics, watched, endsAt, setClock };
}

const ends = (days: number) => ['warn', 'node-link.certificate-ends', { days }];
const ended = ['error', 'node-link.certificate-ended'];

describe("the end of a node's certificate", () => {
  it('is a metric from the beginning, in seconds', async () => {
    const { metrics, endsAt } = watch(300 * day);
    expect(await metrics.render()).toContain(`relay_certificate_end_timestamp_seconds ${endsAt / 1_000}\n`);
  });

  it('is not spoken of before fourteen days are left, then once a day', () => {
    const { lines, time } = watch(15 * day);
    time.advance(day - 1);
    expect(lines).toEqual([]);
    time.advance(1);
    expect(lines).toEqual([ends(14)]);
    time.advance(day - 1);
    expect(lines).toEqual([ends(14)]);
    time.advance(1);
    expect(lines).toEqual([ends(14), ends(13)]);
    time.advance(12 * day);
    expect(lines.length).toBe(14);
  });

  it('is told at the start when it is near, and with its hour when it has come', () => {
    const { lines, time } = watch(2 * day - hour);
    expect(lines).toEqual([ends(1)]);
    time.advance(day);
    expect(lines).toEqual([ends(1), ends(0)]);
    time.advance(day - hour);
    expect(lines.length).toBe(2);
    time.advance(hour);
    expect(lines.slice(2)).toEqual([ended]);
    time.advance(day);
    expect(lines.slice(2)).toEqual([ended, ended]);
  });

  it('is told anew by a clock that was set back, and of nothing once it is stopped', () => {
    const { lines, time, watched, setClock } = watch(day);
    setClock(-2 * day);
    time.advance(hour);
    expect(lines).toEqual([ends(1), ends(2)]);
    watched.stop();
    watched.stop();
    expect(time.pending).toBe(0);
  });
});
