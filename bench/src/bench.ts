import type { MachineFacts } from './machine.ts';

/** How long and how large a run is. */
export interface BenchOptions {
  /** Begin no further round after this many seconds of measuring; undefined = the bench's own. */
  readonly seconds: number | undefined;
  /** Exactly this many rounds, however long they take. */
  readonly rounds: number | undefined;
  /** Messages in a round; undefined = the bench's own. */
  readonly messages: number | undefined;
}

/** What a bench found: the last line of its output. */
export interface BenchResult {
  readonly name: string;
  /** The subject's speed, the median of the rounds. */
  readonly value: number;
  readonly unit: string;
  /** The speed of what it stands on, the median of the rounds. */
  readonly baseline: number;
  /** The median of value / baseline of the rounds, each of which measured both. */
  readonly ratio: number;
  /** What `ratio` should reach. */
  readonly target: number;
  readonly rounds: number;
  readonly machine: MachineFacts;
  /** What else is needed to judge it. */
  readonly [detail: string]: unknown;
}

/** One thing that can be measured. */
export interface Bench {
  readonly name: string;
  /** One line. */
  readonly summary: string;
  /** What it needs and is not here, in a sentence; without it, it runs anywhere. */
  missing?(): string | undefined;
  /** @param say prints a line for people */
  run(options: BenchOptions, say: (line: string) => void): Promise<BenchResult>;
}
