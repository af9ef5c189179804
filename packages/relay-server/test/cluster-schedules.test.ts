import { expect, it } from 'vitest';
import { runSchedule } from './cluster-schedules/run-schedule.ts';

/** All of it takes some seconds; a busy machine may take minutes. */
const timeout = 300_000;
const count = 100;

it(
  `the mail of a cluster's nodes keeps its promises in ${count} schedules`,
  async () => {
    const failed: string[] = [];
    const struck = new Set<string>();
    let calm = 0;
    for (let seed = 0; seed < count; seed++) {
      const outcome = await runSchedule(seed);
      if (outcome.violation !== undefined) failed.push(`seed ${seed}: ${outcome.violation}`);
      for (const fault of outcome.struck) struck.add(fault);
      if (outcome.isCalm) calm++;
    }
    expect(failed).toEqual([]);
    expect(calm).toBeGreaterThan(5);
    // Sixteen kinds of trouble, and six engines that fail in five ways each.
    expect(struck.size).toBeGreaterThan(40);
  },
  timeout,
);

it('plays a seed twice in the same way', async () => {
  for (const seed of [3, 77]) {
    const [once, again] = [[], []] as string[][];
    await runSchedule(seed, (line) => once?.push(line));
    await runSchedule(seed, (line) => again?.push(line));
    expect(once?.length).toBeGreaterThan(100);
    expect(again).toEqual(once);
  }
});
