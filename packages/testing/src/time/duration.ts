import { TestingError } from '../testing-error.ts';

/** A length of time. The parts add up; fractions are rounded to whole milliseconds. */
export interface Duration {
  readonly days?: number;
  readonly hours?: number;
  readonly minutes?: number;
  readonly seconds?: number;
  readonly ms?: number;
}

const second = 1_000;
const msPerPart: { readonly [Part in keyof Required<Duration>]: number } = {
  days: 24 * 3_600 * second,
  hours: 3_600 * second,
  minutes: 60 * second,
  seconds: second,
  ms: 1,
};
const partNames = Object.keys(msPerPart).join(', ');
/** A date reaches no further. */
const mostMs = 8.64e15;

/**
 * In milliseconds.
 * @throws {TestingError} `argument-invalid`: an unknown part, or one that is no number from 0
 */
export function msOf(duration: Duration): number {
  if (typeof duration !== 'object' || duration === null) {
    throw new TestingError('argument-invalid', `a duration is an object of ${partNames}, as in { minutes: 2 }`);
  }
  let sum = 0;
  // Also what the compiler would have refused: tests are written in plain JavaScript, too.
  const parts: [string, unknown][] = Object.entries(duration);
  for (const [part, value] of parts) {
    if (value === undefined && Object.hasOwn(msPerPart, part)) continue;
    sum += partMs(part, value);
  }
  if (sum > mostMs) throw new TestingError('argument-invalid', 'a duration is at most 100,000,000 days: take less');
  return Math.round(sum);
}

function partMs(part: string, value: unknown): number {
  const msEach = Object.entries(msPerPart).find(([name]) => name === part)?.[1];
  if (msEach === undefined) {
    throw new TestingError('argument-invalid', `a duration has no part "${part}": take ${partNames}`);
  }
  if (typeof value !== 'number' || !Number.isFinite(value) || value < 0) {
    throw new TestingError('argument-invalid', `the ${part} of a duration are a number from 0: time goes forward only`);
  }
  return value * msEach;
}
