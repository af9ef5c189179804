import { median, rounded } from './quantile.ts';

/** The speeds of one round, a second. */
export interface Round {
  readonly subject: number;
  readonly baseline: number;
  /** Speeds a second of this process's CPU time, where all work is done in this process: others on the machine hardly touch them. */
  readonly cpu?: { readonly subject: number; readonly baseline: number };
}

/** What came of rounds that measured both, one after the other. */
export interface Comparison {
  readonly value: number;
  readonly baseline: number;
  readonly ratio: number;
  readonly ratioLowest: number;
  readonly ratioHighest: number;
  /** The ratio by CPU time in place of time. */
  readonly cpuRatio?: number;
  readonly rounds: number;
}

/**
 * Runs rounds, each of which measures the baseline and the subject close together, so that what else the machine does hits both alike.
 *
 * The first round warms up and is not counted when more than one is run.
 * @param limit `rounds`: exactly so many; else until `seconds` have gone by, at least three
 */
export async function alternate(
  limit: { readonly rounds: number | undefined; readonly seconds: number },
  round: (number: number) => Promise<Round>,
): Promise<Comparison> {
  const measured: Round[] = [];
  const began = performance.now();
  const more = () =>
    limit.rounds === undefined
      ? measured.length < 4 || performance.now() - began < limit.seconds * 1_000
      : measured.length < limit.rounds;
  while (more()) measured.push(await round(measured.length));
  return compare(measured.length > 1 ? measured.slice(1) : measured);
}

/** Medians of the rounds. */
export function compare(rounds: readonly Round[]): Comparison {
  const ratios = rounds.map(({ subject, baseline }) => subject / baseline);
  const cpuRatios = rounds.flatMap(({ cpu }) => (cpu ? [cpu.subject / cpu.baseline] : []));
  return {
    value: rounded(median(rounds.map(({ subject }) => subject))),
    baseline: rounded(median(rounds.map(({ baseline }) => baseline))),
    ratio: rounded(median(ratios)),
    ratioLowest: rounded(Math.min(...ratios)),
    ratioHighest: rounded(Math.max(...ratios)),
    ...(cpuRatios.length > 0 && { cpuRatio: rounded(median(cpuRatios)) }),
    rounds: rounds.length,
  };
}
