import { beforeAll, describe, expect, it } from 'vitest';
import { runSchedule, type ScheduleOptions, type ScheduleOutcome } from '../src/schedule/run-schedule.ts';
import { ScheduleTemplates } from '../src/schedule/schedule-templates.ts';
import { shrinkSchedule } from '../src/schedule/shrink-schedule.ts';
import { plantedBugs } from './planted-bugs.ts';

let templates: ScheduleTemplates;

beforeAll(async () => {
  templates = await ScheduleTemplates.make();
});

function play(seed: number, options: Partial<ScheduleOptions> = {}): Promise<ScheduleOutcome> {
  return runSchedule({ seed, template: templates.of(seed), ...options });
}

describe('schedules of 50 events', () => {
  it('keep the promises', async () => {
    for (let seed = 0; seed < 40; seed++) {
      const { violations, events, counts } = await play(seed);
      expect({ seed, violations }).toEqual({ seed, violations: [] });
      expect(events).toHaveLength(50);
      expect(counts.arrived).toBeLessThanOrEqual(counts.accepted + 5);
    }
  });

  it('are the same for the same seed, and others for another', async () => {
    const digests = new Set<string>();
    for (let seed = 1_000; seed < 1_015; seed++) {
      const { digest, events } = await play(seed);
      expect((await play(seed)).digest).toBe(digest);
      expect((await play(seed, { events })).digest).toBe(digest);
      digests.add(digest);
    }
    expect(digests.size).toBe(15);
  });
});

/** The first seed at which a bug is found. */
async function findBug(bug: Partial<ScheduleOptions>, most: number): Promise<ScheduleOutcome | undefined> {
  for (let seed = 0; seed < most; seed++) {
    const outcome = await play(seed, bug);
    if (outcome.violations.length > 0) return outcome;
  }
  return undefined;
}

describe('a planted bug is found, and fails the same again', () => {
  it.each(Object.entries(plantedBugs))('%s', async (_, bug) => {
    const found = await findBug(bug, 60);
    expect(found).toBeDefined();
    if (found === undefined) return;
    const again = await play(found.seed, bug);
    expect(again.failedAt).toBe(found.failedAt);
    expect(again.violations).toEqual(found.violations);
    expect(again.digest).toBe(found.digest);
  });

  it('is shown by fewer events', async () => {
    const bug = plantedBugs['a client that does not remember the digests of what it opened'] ?? {};
    const found = await findBug(bug, 60);
    expect(found).toBeDefined();
    if (found === undefined) return;
    const { seed } = found;
    const short = await shrinkSchedule({ seed, template: templates.of(seed), ...bug }, found, 40);
    expect(short.events.length).toBeLessThan(found.events.length);
    expect(short.violations[0]?.promise).toBe(found.violations[0]?.promise);
  });
});
