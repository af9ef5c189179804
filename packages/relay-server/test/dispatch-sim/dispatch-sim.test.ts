import { describe, expect, it } from 'vitest';
import { faults, type PlantedBug, plantedBugs } from './fault.ts';
import { runSchedule } from './run-schedule.ts';

/** More than the slowest of the planted bugs needs; `npm run dispatch-sim -- --planted` says how many each does. */
const mostToFind = 15_000;

/** All of it takes seconds; a busy machine may take minutes. */
const timeout = 300_000;

function foundAfter(bug: PlantedBug): number | undefined {
  for (let seed = 0; seed < mostToFind; seed++) {
    if (runSchedule({ seed, bug }).violation !== undefined) return seed + 1;
  }
  return undefined;
}

describe('the dispatch flow under faults', () => {
  it(
    'keeps its promises in 2,000 schedules',
    () => {
      const failed: string[] = [];
      const struck = new Set<string>();
      let fewest = Number.POSITIVE_INFINITY;
      let calm = 0;
      for (let seed = 0; seed < 2_000; seed++) {
        const outcome = runSchedule({ seed });
        if (outcome.violation !== undefined) failed.push(`seed ${seed}: ${outcome.violation}`);
        for (const fault of outcome.struck) struck.add(fault);
        fewest = Math.min(fewest, outcome.events);
        if (outcome.calm) calm++;
      }
      expect(failed).toEqual([]);
      expect(fewest).toBeGreaterThanOrEqual(50);
      expect(calm).toBeGreaterThan(50);
      expect([...struck].sort()).toEqual([...faults].sort());
    },
    timeout,
  );

  it('plays a seed twice in the same way', () => {
    for (const seed of [3, 77, 1_981]) {
      const [once, again] = [0, 1].map(() => {
        const lines: string[] = [];
        runSchedule({ seed, say: (line) => lines.push(line) });
        return lines;
      });
      expect(once?.length).toBeGreaterThan(100);
      expect(again).toEqual(once);
    }
  });

  it.each(plantedBugs)(
    'finds a planted bug: %s',
    (bug) => {
      const schedules = foundAfter(bug);
      expect(schedules, `not found in ${mostToFind} schedules`).toBeDefined();
      console.log(`${bug}: found by schedule ${schedules}`);
    },
    timeout,
  );
});
