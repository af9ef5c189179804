import type { SoakOptions } from './soak-options.ts';

/**
 * A run from here on has to end a process at every step.
 *
 * Kills are paced by the clock: the last step takes 150 s when each is met at its first try. It took three minutes in runs beside other work on two cores, and beside much of it a run of one minute met as few as nine of 31.
 */
export const coveredFromMinutes = 10;

/** From here on a run with a cluster has to end a process at every step, and to have met every kind of fault: one passes about every twelve seconds, beside other work on two cores. */
export const metFromMinutes = 20;

type Run = Pick<SoakOptions, 'minutes' | 'planted'> & { readonly cluster?: object | undefined };

function coveredFrom({ cluster }: Pick<Run, 'cluster'>): number {
  return cluster === undefined ? coveredFromMinutes : metFromMinutes;
}

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
export function uncoveredKinds({ minutes, planted, cluster }: Run, kinds: Kinds): readonly string[] {
  if (planted !== undefined || minutes < coveredFrom({ cluster })) return [];
  const { groups, came, went, links, revocations, synced } = kinds;
  return Object.entries({ groups, came, went, links, revocations, synced })
    .filter(([, count]) => count === 0)
    .map(([kind]) => `this never happened in ${minutes} minutes: ${kind}`);
}

/** What is wrong with the faults that never happened. */
export function unmetFaults(
  { minutes, cluster }: { readonly minutes: number; readonly cluster?: object | undefined },
  unmet: readonly string[],
): readonly string[] {
  if (unmet.length === 0 || cluster === undefined || minutes < metFromMinutes) return [];
  return [`faults that did not happen in ${minutes} minutes: ${unmet.join(', ')}`];
}

/** What is wrong with the steps that ended no process: nothing in a run too short for all, or with a planted bug, which looks for that alone. */
export function uncoveredSteps({ minutes, planted, cluster }: Run, missing: readonly string[]): readonly string[] {
  if (missing.length === 0 || planted !== undefined || minutes < coveredFrom({ cluster })) return [];
  return [`steps that ended no process in ${minutes} minutes: ${missing.join(', ')}`];
}
