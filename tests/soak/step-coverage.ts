import type { SoakOptions } from './soak-options.ts';

/**
 * A run from here on has to end a process at every step.
 *
 * Kills are paced by the clock: the last step takes 150 s when each is met at its first try. It took three minutes in runs beside other work on two cores, and beside much of it a run of one minute met as few as nine of 31.
 */
export const coveredFromMinutes = 10;

/** What is wrong with the steps that ended no process: nothing in a run too short for all, or with a planted bug, which looks for that alone. */
export function uncoveredSteps(
  { minutes, planted }: Pick<SoakOptions, 'minutes' | 'planted'>,
  missing: readonly string[],
): readonly string[] {
  if (missing.length === 0 || planted !== undefined || minutes < coveredFromMinutes) return [];
  return [`steps that ended no process in ${minutes} minutes: ${missing.join(', ')}`];
}
