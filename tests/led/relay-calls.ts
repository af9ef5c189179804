import type { FatalStep } from './fatal-tracer.ts';
import type { LeftOver } from './left-over.ts';

/** What a relay process can be asked for. */
export type RelayCalls = {
  readonly start: { readonly arg: undefined; readonly value: { readonly url: string } };
  readonly arm: { readonly arg: FatalStep; readonly value: undefined };
  /** Stops it twice at once, and looks at what is left. */
  readonly stop: { readonly arg: undefined; readonly value: LeftOver };
};

/** A verification code that the relay sent. */
export interface RelayReport {
  readonly number: string;
  readonly code: string;
}

/** The gateway never answers for this number. */
export const numberOfNoAnswer = '+14155559998';
