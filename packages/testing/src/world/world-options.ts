import { MemoryRelayDisk } from '@sotto/relay-server/memory';
import { type Client, MemoryDisk } from '@sotto/sdk';
import type { StoreOpener } from '@sotto/sdk/ports';
import { call, checkOptions, demand, flag, type OptionRules, object } from '../argument-check.ts';
import type { WrapStores } from './world-relay.ts';
import type { WorldUser } from './world-user.ts';

/** What a world is made with. */
export interface WorldOptions {
  /** Decides everything that is drawn: ids, tokens, jitter. 1 by default. */
  readonly seed?: number | string;
  /** When it begins, in milliseconds since the Unix epoch. The first of January 2026 by default. */
  readonly now?: number;
  /** Settings of the relay, as in its config file; limits are open-handed unless set. */
  readonly relay?: object;
  /** What the relay keeps; a new disk by default. */
  readonly relayDisk?: MemoryRelayDisk;
  /** The relay's own secret, 32 bytes; drawn by default. */
  readonly relayKey?: Uint8Array;
  readonly wrapStores?: WrapStores;
  readonly witness?: Partial<WorldWitness>;
}

/** Is told what happens in a world, synchronously. It may crash who took the step. */
export interface WorldWitness {
  clientStep(user: WorldUser, step: string): void;
  clientOpened(user: WorldUser, client: Client): void;
  clientError(user: WorldUser, event: string, fields: Readonly<Record<string, unknown>>): void;
  relayStep(step: string): void;
  relayError(event: string, fields: Readonly<Record<string, unknown>>): void;
  line(user: string, event: string): void;
}

/** Somebody who comes into a world. */
export interface UserOptions {
  /** E.164; one of a made-up range by default. */
  readonly number?: string;
  /** What was kept before; a new disk by default. */
  readonly disk?: MemoryDisk;
  /** The store to open on the disk; `memoryStore` by default. Another kind of store keeps what it keeps: `crash` undoes nothing there. */
  readonly store?: (disk: MemoryDisk) => StoreOpener;
  /** Whether this user gives receipts; true by default. */
  readonly receipts?: boolean;
  /** Whether the client is opened; true by default. */
  readonly open?: boolean;
  /** Whether the number is registered when the disk has no account; true by default. */
  readonly register?: boolean;
}

/** A date reaches no further. */
const latest = 8.64e15;

const worldRules: OptionRules<WorldOptions> = {
  seed: { fits: (seed) => typeof seed === 'string' || Number.isSafeInteger(seed), says: 'a whole number, or a text' },
  now: {
    fits: (now) => Number.isSafeInteger(now) && Number(now) >= 0 && Number(now) <= latest,
    says: 'in milliseconds since the Unix epoch, as Date.UTC gives them',
  },
  relay: object,
  relayDisk: { fits: (disk) => disk instanceof MemoryRelayDisk, says: 'a MemoryRelayDisk' },
  relayKey: { fits: (key) => key instanceof Uint8Array && key.length === 32, says: 'a Uint8Array of 32 bytes' },
  wrapStores: call,
  witness: object,
};

const witnessRules: OptionRules<WorldWitness> = {
  clientStep: call,
  clientOpened: call,
  clientError: call,
  relayStep: call,
  relayError: call,
  line: call,
};

const userRules: OptionRules<UserOptions> = {
  number: { fits: (number) => typeof number === 'string', says: 'a phone number, as +14155550101' },
  disk: { fits: (disk) => disk instanceof MemoryDisk, says: 'a MemoryDisk' },
  store: { ...call, says: 'a function that gives a store for a disk' },
  receipts: flag,
  open: flag,
  register: flag,
};

/**
 * What TypeScript checks for those who use it, for those who don't.
 * @throws {TestingError} `argument-invalid`
 */
export function checkWorldOptions(options: WorldOptions): void {
  checkOptions('testWorld', options, worldRules);
  if (options.witness !== undefined) checkOptions('witness of testWorld', options.witness, witnessRules);
}

/** The same for somebody who comes into a world. */
export function checkUserOptions(name: string, options: UserOptions): void {
  demand(typeof name === 'string' && name !== '', "a user has a name: world.user('Alice')");
  checkOptions('world.user', options, userRules);
}
