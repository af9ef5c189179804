import { MemoryRelayDisk } from '@sotto/relay-server/memory';
import { MemoryDisk } from '@sotto/sdk';
import { Activity } from '../network/activity.ts';
import { RelayPort } from '../network/relay-port.ts';
import { nextTurn } from '../platform/event-loop-turn.ts';
import { SeededRandom } from '../seeded-random.ts';
import { TestingError } from '../testing-error.ts';
import { type Duration, msOf } from '../time/duration.ts';
import { WorldTime } from '../time/world-time.ts';
import { WorldNetwork } from './world-network.ts';
import { checkUserOptions, checkWorldOptions, type UserOptions, type WorldOptions } from './world-options.ts';
import { WorldRelay } from './world-relay.ts';
import { WorldUser } from './world-user.ts';

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
    checkWorldOptions(options);
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
   * @throws {TestingError} `argument-invalid`, also when the name is taken
   */
  async user(name: string, options: UserOptions = {}): Promise<WorldUser> {
    checkUserOptions(name, options);
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

/** A world whose relay runs. @throws {TestingError} `argument-invalid` */
export async function testWorld(options: WorldOptions = {}): Promise<World> {
  const world = new World(options);
  await world.relay.start();
  await world.settle();
  return world;
}
