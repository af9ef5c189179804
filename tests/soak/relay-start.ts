import type { FatalStep } from '../led/fatal-tracer.ts';

/** What a relay process of a soak is started with; survives JSON. */
export interface RelayStart {
  /** On what it stands: a folder of its own, or engines that it shares with other nodes. */
  readonly kind: 'embedded' | 'cluster';
  /** As in a config file. */
  readonly config: object;
  /** How far the clock is ahead. */
  readonly aheadMs: number;
  readonly fatal: readonly FatalStep[];
  readonly planted: string | undefined;
}

/** What a relay process of a soak can be asked for. */
export type SoakRelayCalls = {
  readonly start: { readonly arg: undefined; readonly value: { readonly url: string } };
  readonly arm: { readonly arg: readonly FatalStep[]; readonly value: undefined };
  readonly setClock: { readonly arg: number; readonly value: undefined };
  readonly stop: { readonly arg: undefined; readonly value: undefined };
};

/** A verification code that the relay sent. */
export interface SentCode {
  readonly number: string;
  readonly code: string;
}
