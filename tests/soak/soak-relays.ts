import type { Seeded } from '../crash/seeded.ts';
import type { SoakRelay } from './soak-relay.ts';

/** A device as clients and relay know it. */
export interface DevicePlace {
  /** 16 bytes. */
  readonly user: Buffer;
  readonly device: number;
}

/** What the relay of a soak has written down; asked beside it, while everything breaks. */
export interface RelayBooks {
  /** Whether an account lists the device; undefined when nobody answers just now. */
  isListed(device: DevicePlace): Promise<boolean | undefined>;
  /** Whether somebody can begin a session with it: it has its signed and its last-resort prekey there. */
  hasPrekeys(device: DevicePlace): Promise<boolean>;
  /** What waits for devices: of these, where it has to be asked for each. */
  mailLeft(devices: readonly DevicePlace[]): Promise<number>;
}

/** One kind of fault that is not a kill of relay or clients. */
export interface Fault {
  readonly kind: string;
  /** Resolves when it has passed. */
  run(): Promise<void>;
}

/** What faults are made with. */
export interface FaultParts {
  readonly seeded: Seeded;
  /** How long something may stand still. */
  readonly longestStopMs: number;
  /** Resolves after so long, or when all has to end. */
  readonly during: (ms: number) => Promise<void>;
}

/** The relay of a soak, of one process or of several, with all that it stands on. */
export interface SoakRelays {
  /** Each may be killed, stopped and started at any time. */
  readonly nodes: readonly SoakRelay[];
  /** The named steps at which one may be ended. */
  readonly steps: readonly string[];
  readonly books: RelayBooks;
  /** So far from the right time its clocks may be. */
  readonly farthestClockMs: number;
  /** Faults of what the relay stands on, and of its own besides kills, stops and clocks. */
  faults(parts: FaultParts): readonly Fault[];
  /** Stops and starts one process after the other, as who brings in a new version does, and adds one; `during` passes between. */
  roll(during: (ms: number) => Promise<void>): Promise<void>;
  /** The port for a connection that is made now. */
  route(): number;
  /** The code that was sent to a number last. */
  codeFor(phone: string): Promise<string>;
  start(): Promise<void>;
  /** Ends all faults of what it stands on. */
  heal(): Promise<void>;
  /** What went wrong besides ends that nobody had asked for. */
  problems(): readonly string[];
  /** Ends what it stands on; its processes have ended. What a failed run leaves to be read stays in the folder of the run. */
  end(isKept: boolean): Promise<void>;
}
