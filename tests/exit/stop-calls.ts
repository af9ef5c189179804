import type { LeftOver } from '../led/left-over.ts';

/** What a program is to do when it is stopped. */
export interface StopRun {
  readonly relay: string;
  readonly database: string;
  readonly phone: string;
  /** Who is written to, or writes. */
  readonly peer: string;
  readonly clockAhead?: number;
}

/** What was left after a stop. */
export interface Stopped extends LeftOver {
  readonly stopMs: number;
  /** How what was under way ended: a code, or `done`. */
  readonly outcomes: readonly string[];
  /** Texts that were promised to be sent. */
  readonly promised: readonly string[];
}

/** What the program that is stopped can be asked for. */
export type StopCalls = {
  readonly run: { readonly arg: StopRun & { readonly scenario: string }; readonly value: Stopped };
  readonly code: { readonly arg: string; readonly value: undefined };
  /** Something that the program cannot see has happened: a request was held back, say. */
  readonly now: { readonly arg: undefined; readonly value: undefined };
  readonly end: { readonly arg: undefined; readonly value: undefined };
};
