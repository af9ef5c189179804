import type { ChallengeCheck, Clock, CodeSender, Timers, Tracer } from '@sotto/relay-server/ports';

/** What a journey wants of its relay. */
export interface RelayWishes {
  /** Where it keeps its keys, and what it keeps in files. */
  readonly data: string;
  /** As in a config file; without addresses and places of data. */
  readonly settings: object;
  readonly codeSender: CodeSender;
  readonly tracer: Tracer;
  readonly clock: Clock | undefined;
  readonly timers: Timers | undefined;
  readonly challengeCheck: ChallengeCheck | undefined;
}

/** A relay that journeys go through: one process on files, or a cluster. */
export interface RelayUnderTest extends AsyncDisposable {
  /** Starts it, at the addresses that it had before; gives these: those of a cluster's nodes are as good as each other. */
  start(): Promise<readonly [string, ...string[]]>;
  /** Drains it. What it was given to keep is there when it is started again. */
  stop(): Promise<void>;
  /** How many envelopes it keeps for devices. */
  mailHeld(): Promise<number>;
  /** How many avatars of groups it keeps. */
  groupAvatars(): Promise<number>;
}

/** Makes a relay that was not started yet. */
export type RelayKind = (wishes: RelayWishes) => RelayUnderTest;
