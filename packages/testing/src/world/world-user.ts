import { Client, type MemoryDisk, memoryStore } from '@sotto/sdk';
import type { Logger, Platform, StoreOpener } from '@sotto/sdk/ports';
import type { Activity } from '../network/activity.ts';
import { Line } from '../network/line.ts';
import type { RelayPort } from '../network/relay-port.ts';
import type { SeededRandom } from '../seeded-random.ts';
import { TestingError } from '../testing-error.ts';
import type { PartyTime, WorldTime } from '../time/world-time.ts';
import { Life } from './life.ts';

/** What a `WorldUser` works with. */
export interface WorldUserParts {
  readonly name: string;
  /** E.164. */
  readonly number: string;
  readonly disk: MemoryDisk;
  /** The store that the client opens on the disk; `memoryStore` by default. */
  readonly store?: ((disk: MemoryDisk) => StoreOpener) | undefined;
  readonly receipts: boolean;
  readonly remoteAddress: string;
  readonly time: WorldTime;
  readonly port: RelayPort;
  readonly activity: Activity;
  readonly random: SeededRandom;
  readonly codeFor: (number: string) => string;
  /** Told of what happens on the line. */
  readonly onLine: (event: string) => void;
  /** Told of each step of each run: the client's tracer's, and `store.commit.before` and the like. */
  readonly onStep: (user: WorldUser, step: string) => void;
  readonly onOpened: (user: WorldUser, client: Client) => void;
  readonly onError: (user: WorldUser, event: string, fields: Readonly<Record<string, unknown>>) => void;
}

/** Somebody in a world: a disk, a line to the relay, a clock, and a real client while it is open. */
export class WorldUser implements AsyncDisposable {
  readonly name: string;
  /** E.164. */
  readonly number: string;
  readonly line: Line;
  readonly disk: MemoryDisk;
  /** How far this user's clock is off, in milliseconds. */
  skewMs = 0;
  readonly #parts: WorldUserParts;
  readonly #lineTime: PartyTime;
  #run: Run | undefined;

  constructor(parts: WorldUserParts) {
    this.#parts = parts;
    this.name = parts.name;
    this.number = parts.number;
    this.disk = parts.disk;
    this.#lineTime = parts.time.party();
    const { port, activity, remoteAddress, onLine } = parts;
    this.line = new Line({ port, activity, remoteAddress, time: this.#lineTime, witness: onLine });
  }

  /**
   * The client.
   * @throws {TestingError} `user-closed`
   */
  get client(): Client {
    const client = this.#run?.client;
    if (client === undefined) throw this.#closed();
    return client;
  }

  /** `opening` and `stopping` may take until time passes; a crash ends them at once. */
  get state(): 'closed' | 'opening' | 'open' | 'stopping' {
    return this.#run?.state ?? 'closed';
  }

  /** Whether this user has a client that is encrypting, decrypting or committing. */
  get busy(): boolean {
    return this.#run?.client?.busy ?? false;
  }

  /**
   * Opens the client, on what the disk has.
   * @throws {TestingError} `user-open`; what `Client.open` throws
   */
  async open(): Promise<Client> {
    if (this.#run !== undefined) throw new TestingError('user-open', `${this.name}'s client is open already`);
    const { disk, store = memoryStore, receipts, port, onOpened } = this.#parts;
    const run: Run = {
      state: 'opening',
      client: undefined,
      life: new Life(),
      time: this.#parts.time.party(this.skewMs),
    };
    this.#run = run;
    const guarded: StoreOpener = {
      open: async () => {
        const { store: opened, opening } = await store(disk).open();
        const commits = (name: string) => name.startsWith('commit.') && this.#step(run, `store.${name}`);
        return { store: run.life.guard(opened, commits), opening };
      },
    };
    try {
      const client = await Client.open({
        relay: port.url,
        store: guarded,
        receipts,
        platform: this.#platform(run),
      });
      run.client = client;
      run.state = 'open';
      onOpened(this, client);
      return client;
    } catch (error) {
      this.#end(run);
      throw error;
    }
  }

  /** Registers the user's number with the open client. The code comes by itself. */
  async register(): Promise<void> {
    const { name, number, codeFor } = this.#parts;
    await this.client.register({ phone: number, profile: { username: name }, code: () => codeFor(number) });
  }

  /**
   * Stops the client in good order. On a line that swallows everything this takes until time passes.
   * @throws {TestingError} `user-closed`
   */
  async stop(): Promise<void> {
    const run = this.#run;
    if (run?.client === undefined) throw this.#closed();
    run.state = 'stopping';
    await run.client.stop();
    this.#end(run);
  }

  /**
   * Kills the client: the disk has what was committed, and nothing else is left.
   * @throws {TestingError} `user-closed`
   */
  crash(): void {
    const run = this.#run;
    if (run === undefined) throw this.#closed();
    this.#end(run);
    this.line.forget();
    this.disk.breakLock();
  }

  /**
   * Sets this user's clock: so many milliseconds ahead of the true time, or behind.
   * @throws {TestingError} `argument-invalid`
   */
  setSkew(ms: number): void {
    if (!Number.isSafeInteger(ms)) {
      throw new TestingError('argument-invalid', 'a clock is off by a whole number of milliseconds: take one');
    }
    this.skewMs = ms;
    if (this.#run !== undefined) this.#run.time.skewMs = ms;
  }

  /** Stops the client if it is open. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.state === 'open') await this.stop();
    else if (this.#run !== undefined) this.crash();
    this.#lineTime.end();
  }

  #platform(run: Run): Partial<Platform> {
    const { random, onError } = this.#parts;
    const error: Logger['error'] = (event, fields = {}) => {
      if (run.life.alive) onError(this, event, fields);
    };
    return {
      clock: run.time.clock,
      timers: run.time.timers,
      randomness: random,
      sockets: this.line.sockets,
      fetch: (url, request) => (run.life.alive ? this.line.fetch(url, request) : new Promise(() => undefined)),
      tracer: { reached: (step) => this.#step(run, step) },
      logger: { ...quiet, error },
    };
  }

  #step(run: Run, step: string): void {
    this.#parts.activity.note();
    if (run.life.alive) this.#parts.onStep(this, step);
  }

  #end(run: Run): void {
    run.life.end();
    run.time.end();
    if (this.#run === run) this.#run = undefined;
  }

  #closed(): TestingError {
    return new TestingError(
      'user-closed',
      `${this.name}'s client was stopped or crashed, or is not open yet: open it first`,
    );
  }
}

/** One opening of the client, to its end. */
interface Run {
  state: 'opening' | 'open' | 'stopping';
  client: Client | undefined;
  readonly life: Life;
  readonly time: PartyTime;
}

const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined };
