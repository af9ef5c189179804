import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { groupCommands, groupProperty } from '../../test/group-model.ts';
import { groupRules } from './change-rules.ts';

// The other half of the 10,000 runs of chain-model.test.ts.
const runs = 5_000;

describe('honest clients of a group, of which the relay shows each another log', () => {
  it('come to one place, or see that they do not and go no further [security: group-membership]', () => {
    let [together, refused] = [0, 0];
    const relay = ['fork', 'fork', 'forge', 'talk', 'race', 'fetch', 'keys'] as const;
    const property = groupProperty(
      groupRules,
      (model) => {
        together += model.together;
        refused += model.refused;
      },
      groupCommands(relay),
    );
    fc.assert(property, { numRuns: runs });
    expect(together).toBeGreaterThan(runs / 5);
    expect(refused).toBeGreaterThan(runs / 5);
  }, 300_000);

  it('all come to one place when the relay is honest', () => {
    const members = groupCommands().map((steps) =>
      steps.filter(({ kind }) => !['fork', 'forge', 'lie'].includes(kind)),
    );
    const property = groupProperty(groupRules, ({ refused }) => expect(refused).toBe(0), members);
    fc.assert(property, { numRuns: 200 });
  });
});
