import { runSchedule, type ScheduleOptions, type ScheduleOutcome } from './run-schedule.ts';

/**
 * Finds a shorter schedule that breaks the same promise: drops events, halves first, then one by one.
 * @param mostRuns how many schedules are played at most
 * @returns the shortest outcome that was found; the one given when nothing can be left out
 */
export async function shrinkSchedule(
  options: ScheduleOptions,
  failed: ScheduleOutcome,
  mostRuns = 120,
): Promise<ScheduleOutcome> {
  const [broken] = failed.violations;
  if (broken === undefined) return failed;
  let best = failed;
  let runs = 0;
  for (let size = Math.ceil(best.events.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = 0; at < best.events.length && runs < mostRuns; ) {
      const events = best.events.filter((_, place) => place < at || place >= at + size);
      runs++;
      const { log: _, ...quiet } = options;
      const shorter = await runSchedule({ ...quiet, events });
      if (shorter.violations.some(({ promise }) => promise === broken.promise)) best = shorter;
      else at += size;
    }
  }
  return best;
}
