import type { ScheduleOutcome } from './run-schedule.ts';
import { kindOf } from './schedule-event.ts';

/** What a worker says of a schedule that failed. */
export type FailedSchedule = Pick<ScheduleOutcome, 'seed' | 'failedAt' | 'violations' | 'digest'>;

/** What many schedules came to; plain data, so that processes can hand it to each other. */
export interface ScheduleTally {
  readonly schedules: number;
  readonly failed: readonly FailedSchedule[];
  readonly texts: ScheduleOutcome['counts'];
  /** How often each kind of event happened. */
  readonly events: Readonly<Record<string, number>>;
  /** How often somebody was killed at each crash point. */
  readonly crashes: Readonly<Record<string, number>>;
}

/** Nothing yet. */
export const emptyTally: ScheduleTally = {
  schedules: 0,
  failed: [],
  texts: { accepted: 0, arrived: 0, late: 0, expired: 0 },
  events: {},
  crashes: {},
};

/** The tally of one schedule. */
export function tallyOf({
  seed,
  events,
  violations,
  failedAt,
  digest,
  counts,
  crashedAt,
}: ScheduleOutcome): ScheduleTally {
  return {
    schedules: 1,
    failed: violations.length === 0 ? [] : [{ seed, failedAt, violations, digest }],
    texts: counts,
    events: counted(events.map(kindOf)),
    crashes: counted(crashedAt),
  };
}

/** Two tallies as one. */
export function addTallies(one: ScheduleTally, other: ScheduleTally): ScheduleTally {
  return {
    schedules: one.schedules + other.schedules,
    failed: [...one.failed, ...other.failed],
    texts: {
      accepted: one.texts.accepted + other.texts.accepted,
      arrived: one.texts.arrived + other.texts.arrived,
      late: one.texts.late + other.texts.late,
      expired: one.texts.expired + other.texts.expired,
    },
    events: summed(one.events, other.events),
    crashes: summed(one.crashes, other.crashes),
  };
}

function counted(names: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of names) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}

function summed(
  one: Readonly<Record<string, number>>,
  other: Readonly<Record<string, number>>,
): Record<string, number> {
  const sum: Record<string, number> = { ...one };
  for (const [name, count] of Object.entries(other)) sum[name] = (sum[name] ?? 0) + count;
  return sum;
}
