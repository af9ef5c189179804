import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { groupProperty } from '../../test/group-model.ts';
import { type GroupRules, groupRules } from './change-rules.ts';
import { encodeState } from './group-state.ts';
import type { OperationRules } from './operation-rules.ts';

// 10,000 runs together with chain-forks.test.ts, which is a file of its own so that both go at once.
const runs = 5_000;

/** The rules with every operation allowed to everybody. */
const lawless = Object.fromEntries(
  Object.entries(groupRules.operations).map(([type, rule]) => [type, { ...rule, allows: () => true }]),
) as unknown as OperationRules;

describe('honest clients of a group, against a malicious relay, member and device', () => {
  it('agree wherever their heads do, and never accept what authority forbids [security: group-membership]', () => {
    let applied = 0;
    const property = groupProperty(groupRules, (model) => {
      applied += model.applied;
    });
    fc.assert(property, { numRuns: runs });
    // Else the model would say nothing.
    expect(applied).toBeGreaterThan(runs * 5);
  }, 300_000);

  const without = (check: keyof GroupRules['checks']): GroupRules => ({
    ...groupRules,
    checks: { ...groupRules.checks, [check]: () => true },
  });

  it.each<[string, GroupRules, string]>([
    ['the authority check', { ...groupRules, operations: lawless }, 'authority: '],
    ['the comparison of the head before', without('previous-head-wrong'), 'a change was applied to another history'],
    ['the comparison of the version of the device list', without('device-list-old'), 'a revoked device has acted'],
    [
      'the state in the head',
      { ...groupRules, head: (before, record, _, sha256) => sha256(before, sha256(record)) },
      'equal heads stand for different states',
    ],
    [
      'the record in the head',
      { ...groupRules, head: (before, _, after, sha256) => sha256(before, sha256(encodeState(after))) },
      'equal heads stand for different states or logs',
    ],
  ])('are found out by this model when they lack %s [security: group-membership]', (_, rules, finding) => {
    const report = fc.check(groupProperty(rules), { numRuns: 2_000, endOnFailure: true, seed: 3 });
    expect(report.failed).toBe(true);
    expect(String(report.errorInstance)).toContain(finding);
  });
});
