import type { FatalStep } from '../led/fatal-tracer.ts';

/** Somebody whose client runs in a host process. */
export interface Person {
  readonly name: string;
  /** E.164. */
  readonly phone: string;
}

/** What a host process is started with; survives JSON. */
export interface HostStart {
  readonly host: string;
  /** Counts the lives of the host, from 1. */
  readonly life: number;
  /** The relay as this host reaches it. */
  readonly relay: string;
  /** Where the databases are. */
  readonly data: string;
  /** Where the action logs are. */
  readonly logs: string;
  readonly seed: number;
  readonly people: readonly Person[];
  /** Whom they write to, themselves among them. */
  readonly peers: readonly Person[];
  readonly isTalking: boolean;
  /** About how many messages a second all of them send. */
  readonly rate: number;
  /** How far the clock is ahead. */
  readonly aheadMs: number;
  /** Steps that end it: the one that is reached first. */
  readonly fatal: readonly FatalStep[];
  readonly planted: string | undefined;
}

/** What a host process can be asked for. */
export type HostCalls = {
  /** It ends at whichever of these is reached first. */
  readonly arm: { readonly arg: readonly FatalStep[]; readonly value: undefined };
  /** Moves its clock to so far ahead. */
  readonly setClock: { readonly arg: number; readonly value: undefined };
  readonly code: { readonly arg: { readonly phone: string; readonly code: string }; readonly value: undefined };
  /** Opens a client for somebody new, and registers them. */
  readonly add: { readonly arg: Person; readonly value: undefined };
  /** Whom they write to from now on. */
  readonly setPeers: { readonly arg: readonly Person[]; readonly value: undefined };
  /** Asks the relay for something with every account. */
  readonly ask: { readonly arg: undefined; readonly value: undefined };
  /** Ends all writing, and tries to connect at once. */
  readonly hush: { readonly arg: undefined; readonly value: undefined };
  /** Marks everything as read. */
  readonly readAll: { readonly arg: undefined; readonly value: undefined };
  readonly stop: { readonly arg: undefined; readonly value: undefined };
};

/** What a host process says unasked. */
export type HostReport =
  | { readonly type: 'code-wanted'; readonly phone: string }
  /** All of its people have accounts. */
  | { readonly type: 'registered'; readonly phones: readonly string[] }
  | { readonly type: 'sent'; readonly count: number }
  | { readonly type: 'log'; readonly line: string };
