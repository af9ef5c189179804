import type { SoakOptions } from './soak-options.ts';

/**
 * A run from here on has to end a process at every step.
 *
 * Kills are paced by the clock: the last step takes 150 s when each is met at its first try. It took three minutes in runs beside other work on two cores, and beside much of it a run of one minute met as few as nine of 31.
 */
export const coveredFromMinutes = 10;

/** What has to happen in a run besides. */
export interface Kinds {
  readonly groups: number;
  /** Members who came and went. */
  readonly came: number;
  readonly went: number;
  readonly links: number;
  readonly revocations: number;
  /** Messages that came from another own device. */
  readonly synced: number;
}

/** What is wrong with a run in which something never happened: as for steps. */
export function uncoveredKinds(
  { minutes, planted }: Pick<SoakOptions, 'minutes' | 'planted'>,
  kinds: Kinds,
): readonly string[] {
  if (planted !== undefined || minutes < coveredFromMinutes) return [];
  const { groups, came, went, links, revocations, synced } = kinds;
  return Object.entries({ groups, came, went, links, revocations, synced })
    .filter(([, count]) => count === 0)
    .map(([kind]) => `this never happened in ${minutes} minutes: ${kind}`);
}

/** What is wrong with the steps that ended no process: nothing in a run too short for all, or with a planted bug, which looks for that alone. */
export function uncoveredSteps(
  { minutes, planted }: Pick<SoakOptions, 'minutes' | 'planted'>,
  missing: readonly string[],
): readonly string[] {
  if (missing.length === 0 || planted !== undefined || minutes < coveredFromMinutes) return [];
  return [`steps that ended no process in ${minutes} minutes: ${missing.join(', ')}`];
}
