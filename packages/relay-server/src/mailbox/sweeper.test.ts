import { expect, it } from 'vitest';
import { ManualTime } from '../../test/manual-time.ts';
import { memoryStores } from '../adapters/memory/memory-stores.ts';
import { silentLogger } from '../adapters/memory/silent-logger.ts';
import { prometheusMetrics } from '../adapters/metrics/prometheus-metrics.ts';
import { relayCounts } from '../metrics/relay-counts.ts';
import { Sweeper } from './sweeper.ts';

function setUp(fail: (method: string) => boolean = () => false) {
  const time = new ManualTime();
  const metrics = prometheusMetrics();
  const runs: string[] = [];
  const run = (method: string) => async () => {
    runs.push(method);
    if (fail(method)) throw new Error('disk gone');
    return 0;
  };
  const { mailbox, tokens, verifications, control } = memoryStores({ clock: time });
  const stores = {
    control,
    mailbox: Object.assign(mailbox, { expire: run('expire'), scrub: run('scrub') }),
    tokens: Object.assign(tokens, { sweep: run('tokens') }),
    verifications: Object.assign(verifications, { sweep: run('verifications') }),
  };
  const sweeper = new Sweeper({
    stores,
    avatars: { delete: async () => undefined },
    groupAvatars: { sweep: async () => undefined },
    lastSeen: { sweep: async () => undefined },
    clock: time,
    timers: time,
    logger: silentLogger,
    counts: relayCounts(metrics),
    sweepEveryMs: 60_000,
    scrubEveryMs: 20_000,
  });
  sweeper.start();
  return { sweeper, time, metrics, runs };
}

it('sweeps and scrubs each in its time, and not after stop', async () => {
  const { sweeper, time, runs } = setUp();
  time.advance(60_000);
  await sweeper.stop();
  expect(runs.filter((run) => run === 'expire')).toHaveLength(1);
  expect(runs).toContain('tokens');
  expect(runs).toContain('verifications');
  expect(runs).toContain('scrub');
  const before = runs.length;
  time.advance(600_000);
  await sweeper.stop();
  expect(runs).toHaveLength(before);
  expect(time.pending).toBe(0);
});

it('goes on after a run that failed, and counts it', async () => {
  let isGone = true;
  const { sweeper, time, metrics, runs } = setUp((method) => isGone && method === 'expire');
  time.advance(60_000);
  for (let turn = 0; turn < 50; turn++) await Promise.resolve();
  expect(runs).not.toContain('tokens');
  expect(await metrics.render()).toContain('relay_sweeps_failed_total 1');
  isGone = false;
  time.advance(60_000);
  await sweeper.stop();
  expect(runs).toContain('tokens');
});
