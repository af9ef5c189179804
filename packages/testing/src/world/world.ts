import { MemoryRelayDisk } from '@sotto/relay-server/memory';
import { type Client, MemoryDisk } from '@sotto/sdk';
import type { StoreOpener } from '@sotto/sdk/ports';
import { Activity } from '../network/activity.ts';
import { RelayPort } from '../network/relay-port.ts';
import { nextTurn } from '../platform/event-loop-turn.ts';
import { SeededRandom } from '../seeded-random.ts';
import { TestingError } from '../testing-error.ts';
import { type Duration, msOf } from '../time/duration.ts';
import { WorldTime } from '../time/world-time.ts';
import { WorldNetwork } from './world-network.ts';
import { WorldRelay, type WrapStores } from './world-relay.ts';
import { WorldUser } from './world-user.ts';

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

/** Turns of the event loop in which nothing happens, after which nothing will. */
const quietTurns = 6;
/** Turns after which a world that still moves will never come to rest. */
const mostTurns = 200_000;
/** Up to here time passes timer by timer; a longer time passes in one leap, as for machines that slept. */
const stepwiseMs = 5 * 60_000;

/** A relay and any number of users in one process: real clients, the real relay, and nothing else that is real. */
export class World implements AsyncDisposable {
  readonly time: WorldTime;
  readonly relay: WorldRelay;
  readonly network: WorldNetwork;
  readonly #options: WorldOptions;
  readonly #activity = new Activity();
  readonly #port = new RelayPort();
  readonly #users = new Map<string, WorldUser>();

  /** Not started: `testWorld` makes one that runs. */
  constructor(options: WorldOptions = {}) {
    const { seed = 1, now = Date.UTC(2026, 0, 1), relay = {}, relayDisk = new MemoryRelayDisk(), witness } = options;
    this.#options = options;
    this.time = new WorldTime(now);
    this.network = new WorldNetwork(() => this.users);
    this.relay = new WorldRelay({
      time: this.time,
      port: this.#port,
      random: new SeededRandom(`relay ${seed}`),
      relayKey: options.relayKey ?? new SeededRandom(`relay key ${seed}`).bytes(32),
      disk: relayDisk,
      settings: relay,
      wrapStores: options.wrapStores ?? ((stores) => stores),
      onStep: (step) => {
        this.#activity.note();
        witness?.relayStep?.(step);
      },
      onError: (event, fields) => witness?.relayError?.(event, fields),
    });
  }

  /** Everybody who was made so far, in that order. */
  get users(): readonly WorldUser[] {
    return [...this.#users.values()];
  }

  /**
   * Makes somebody: registered, connected and at rest unless the options say otherwise.
   * @throws {TestingError} `argument-invalid` when the name is taken
   */
  async user(name: string, options: UserOptions = {}): Promise<WorldUser> {
    if (this.#users.has(name))
      throw new TestingError('argument-invalid', `there is a user ${name} already: take another name`);
    const place = this.#users.size + 1;
    const { seed = 1, witness } = this.#options;
    const { number = `+1415555${String(place).padStart(4, '0')}`, disk = new MemoryDisk(), receipts = true } = options;
    const user = new WorldUser({
      name,
      number,
      disk,
      store: options.store,
      receipts,
      remoteAddress: `10.0.${place >> 8}.${place & 255}`,
      time: this.time,
      port: this.#port,
      activity: this.#activity,
      random: new SeededRandom(`user ${name} ${seed}`),
      codeFor: (phone) => this.relay.codeFor(phone),
      onLine: (event) => witness?.line?.(name, event),
      onStep: (who, step) => witness?.clientStep?.(who, step),
      onOpened: (who, client) => witness?.clientOpened?.(who, client),
      onError: (who, event, fields) => witness?.clientError?.(who, event, fields),
    });
    this.#users.set(name, user);
    if (options.open === false) return user;
    await user.open();
    if (options.register !== false && user.client.account === undefined) await user.register();
    await this.settle();
    return user;
  }

  /**
   * Resolves when nothing happens any more until time moves: nothing is being encrypted, committed or sent.
   * @throws {TestingError} `never-settled` when it goes on and on
   */
  async settle(): Promise<void> {
    let quiet = 0;
    let seen = this.#activity.count;
    for (let turn = 0; turn < mostTurns; turn++) {
      await nextTurn();
      const { count, isUnderWay } = this.#activity;
      const moves = count !== seen || isUnderWay || this.users.some((user) => user.busy);
      quiet = moves ? 0 : quiet + 1;
      seen = count;
      if (quiet >= quietTurns) return;
    }
    throw new TestingError('never-settled', 'the world does not come to rest: two parties answer each other for ever');
  }

  /**
   * Lets time pass, and the world settle.
   *
   * Up to five minutes each timer runs at its time. A longer time passes in one leap, as when all machines slept: then each timer that fell due runs once, late.
   * @throws {TestingError} `argument-invalid` for what is no duration, and before anything has moved
   */
  async advance(duration: Duration): Promise<void> {
    const until = this.time.now() + msOf(duration);
    await this.settle();
    if (until - this.time.now() > stepwiseMs) this.time.moveTo(until);
    for (;;) {
      const due = this.time.nextDue();
      if (due === undefined || due > until) break;
      this.time.moveTo(due);
      this.time.runDue();
      await this.settle();
    }
    this.time.moveTo(until);
  }

  /** Stops everybody, then the relay. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.network.heal();
    for (const user of this.users) await this.#ended(user[Symbol.asyncDispose]());
    if (this.relay.state === 'running') await this.#ended(this.relay.stop());
    this.#port.sever();
  }

  /** Good endings have deadlines; in a world they come only when time passes. */
  async #ended(ending: Promise<void>): Promise<void> {
    let done = false;
    const watched = ending.finally(() => {
      done = true;
    });
    for (let minute = 0; !done && minute < 10; minute++) {
      await this.settle();
      if (!done) await this.advance({ minutes: 1 });
    }
    await watched;
  }
}

/** A world whose relay runs. */
export async function testWorld(options: WorldOptions = {}): Promise<World> {
  const world = new World(options);
  await world.relay.start();
  await world.settle();
  return world;
}
