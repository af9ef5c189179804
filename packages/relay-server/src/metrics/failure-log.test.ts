import { describe, expect, it } from 'vitest';
import { prometheusMetrics } from '../adapters/metrics/prometheus-metrics.ts';
import { settableClock } from '../conformance/settable-clock.ts';
import { RelayError } from '../relay-error.ts';
import { FailureLog } from './failure-log.ts';

function failureLog() {
  const lines: unknown[] = [];
  const tell =
    (level: string) =>
    (...line: unknown[]) => {
      lines.push([level, ...line]);
    };
  const logger = { debug: tell('debug'), info: tell('info'), warn: tell('warn'), error: tell('error') };
  const [clock, metrics] = [settableClock(), prometheusMetrics()];
  return { lines, clock, metrics, log: new FailureLog({ logger, metrics, clock }) };
}

describe('what goes wrong behind the mail of a node', () => {
  it('is said once a minute however often it comes, and counted each time', async () => {
    const { lines, clock, metrics, log } = failureLog();
    const error = new RelayError('store-unavailable', 'none');
    for (let count = 0; count < 1_000; count++) log.failed('pending.spill-failed', error);
    expect(lines).toEqual([['warn', 'pending.spill-failed', { code: 'store-unavailable', count: 1 }]]);
    clock.set(clock.now() + 59_999);
    log.failed('pending.spill-failed', error);
    clock.set(clock.now() + 1);
    log.failed('pending.spill-failed', new TypeError('a defect'));
    expect(lines.slice(1)).toEqual([['warn', 'pending.spill-failed', { code: 'internal', count: 1_001 }]]);
    expect(await metrics.render()).toContain('relay_cluster_pending_spill_failed_total 1002');
  });

  it('is an error when mail is lost by it; one event does not hide another', () => {
    const { lines, log } = failureLog();
    log.failed('presence.read-failed', undefined);
    log.failed('mail-log.poison', undefined);
    expect(lines.map((line) => (line as string[]).slice(0, 2))).toEqual([
      ['warn', 'presence.read-failed'],
      ['error', 'mail-log.poison'],
    ]);
  });
});
