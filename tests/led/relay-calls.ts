import type { FatalStep } from './fatal-tracer.ts';

/** What a relay process can be asked for. */
export type RelayCalls = {
  readonly start: { readonly arg: undefined; readonly value: { readonly url: string } };
  readonly arm: { readonly arg: FatalStep; readonly value: undefined };
  readonly stop: { readonly arg: undefined; readonly value: undefined };
};

/** A verification code that the relay sent. */
export interface RelayReport {
  readonly number: string;
  readonly code: string;
}
