import { describe, expect, it } from 'vitest';
import { soak } from './soak.ts';
import { plantedBugs, readSoakOptions } from './soak-options.ts';
import { reportOf } from './soak-report.ts';

describe('a planted bug is found', () => {
  it.each(plantedBugs)('P1 P2: %s', async (planted) => {
    const options = readSoakOptions(['--planted', planted, '--seed', '7']);
    if (options === 'help' || 'wrong' in options) throw new Error('the options are wrong');
    const outcome = await soak(options, () => undefined);
    expect(outcome.ok).toBe(false);
    expect(outcome.problems).toEqual([]);
    expect(outcome.verdict.counts).toMatchObject({ unexpected: 0, duplicated: 0, misordered: 0 });
    expect(outcome.verdict.counts.lost).toBeGreaterThan(0);
    // What the relay had promised, or the client had acknowledged, is gone from the receiver.
    const isAcked = planted === 'ack-before-commit';
    expect(outcome.verdict.anomalies).toContainEqual(
      expect.objectContaining({ kind: 'lost', outcome: 'accepted', applied: false, acked: isAcked, delivered: false }),
    );
    expect(reportOf(outcome, options.seed).at(-1)).toMatch(/^soak: FAILED .* lost=[1-9]/);
  });
});
