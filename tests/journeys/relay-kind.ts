import type { ChallengeCheck, Clock, CodeSender, Timers, Tracer } from '@sotto/relay-server/ports';
import type { Watch } from '../led/watch.ts';

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
  /** The private key of the root that its certificates of senders come from, before it is started first. */
  trustRoot(): Promise<Uint8Array>;
  /** How many envelopes it keeps for devices. */
  mailHeld(): Promise<number>;
  /** How many avatars of groups it keeps. */
  groupAvatars(): Promise<number>;
}

/** A relay that a test kills. */
export interface KillableRelay extends AsyncDisposable {
  /** Of all nodes. */
  readonly urls: readonly string[];
  /** Starts all that does not run, at the addresses that it had before. */
  start(): Promise<void>;
  /** Kills a process of it; when there are several, another one each time. */
  kill(): Promise<void>;
  /** The last code that went to a number, as soon as there is one. */
  codeFor(number: string): Promise<string>;
}

/** Makes relays that were not started yet. */
export interface RelayKind {
  /** In this process. */
  inProcess(wishes: RelayWishes): RelayUnderTest;
  /** In processes of its own. @param config as in a config file */
  killable(data: string, watch: Watch, config: object): KillableRelay;
}
