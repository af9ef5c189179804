import { createRelay, loadConfig, type Relay, type RelayConfig } from '@sotto/relay-server';
import { type MemoryRelayDisk, memoryStores, silentTracer } from '@sotto/relay-server/memory';
import type { Metrics, RelayStores } from '@sotto/relay-server/ports';
import type { RelayPort } from '../network/relay-port.ts';
import type { SeededRandom } from '../seeded-random.ts';
import { TestingError } from '../testing-error.ts';
import type { PartyTime, WorldTime } from '../time/world-time.ts';
import { Life } from './life.ts';

/** Puts something around the stores of one run of the relay, which is over when `run.alive` is false: to watch them, or to plant a bug. */
export type WrapStores = (stores: RelayStores, run: { readonly alive: boolean }) => RelayStores;

/** What a `WorldRelay` works with. */
export interface WorldRelayParts {
  readonly time: WorldTime;
  readonly port: RelayPort;
  readonly random: SeededRandom;
  /** The relay's own secret, 32 bytes. */
  readonly relayKey: Uint8Array;
  readonly disk: MemoryRelayDisk;
  /** Settings of the relay, as in its config file. */
  readonly settings: object;
  readonly wrapStores: WrapStores;
  /** Told of each step of each run: calls of stores as `mailbox.append.before`, steps of the relay's tracer by their names. */
  readonly onStep: (step: string) => void;
  /** Told of each error that the relay logs. */
  readonly onError: (event: string, fields: Readonly<Record<string, unknown>>) => void;
}

const openHanded = { burst: 1_000_000_000, refillMs: 1 };

/** The real relay of a world, on memory: it can be stopped, killed and started again on what it kept. */
export class WorldRelay {
  readonly #parts: WorldRelayParts;
  readonly #config: RelayConfig;
  readonly #codes = new Map<string, string>();
  #run: Run | undefined;

  constructor(parts: WorldRelayParts) {
    this.#parts = parts;
    const settings = {
      logLevel: 'silent',
      codes: { resendAfterMs: 0 },
      limits: Object.fromEntries(Object.keys(loadConfig().limits).map((name) => [name, openHanded])),
      // One that is given as undefined is not given.
      ...Object.fromEntries(Object.entries(parts.settings).filter(([, value]) => value !== undefined)),
    };
    this.#config = loadConfig({ file: { path: 'world', text: JSON.stringify(settings) } });
  }

  /** Where clients find it. */
  get url(): string {
    return this.#parts.port.url;
  }

  /** `stopping` may take until time passes, while clients don't answer; a crash ends it at once. */
  get state(): 'stopped' | 'running' | 'stopping' {
    return this.#run?.state ?? 'stopped';
  }

  /** Everything that it keeps. */
  get disk(): MemoryRelayDisk {
    return this.#parts.disk;
  }

  /**
   * The code that was sent last to a number.
   * @throws {TestingError} `no-code-sent`
   */
  codeFor(number: string): string {
    const code = this.#codes.get(number);
    if (code === undefined)
      throw new TestingError('no-code-sent', 'the relay sent no code to this number: ask for one');
    return code;
  }

  /**
   * Starts it, on what it kept.
   * @throws {TestingError} `relay-running`
   */
  async start(): Promise<void> {
    if (this.#run !== undefined) throw new TestingError('relay-running', 'the relay runs: stop or crash it first');
    const { port, relayKey, random, disk, wrapStores, onStep, onError } = this.#parts;
    const time = this.#parts.time.party();
    const life = new Life();
    const own = wrapStores(memoryStores({ clock: time.clock, randomness: random, disk }), life);
    const stores = Object.fromEntries(
      Object.entries(own).map(([name, store]) => [
        name,
        typeof store === 'object' ? life.guard(store, (step) => onStep(`${name}.${step}`)) : store,
      ]),
    ) as unknown as RelayStores;
    const alive = (tell: () => void) => {
      if (life.alive) tell();
    };
    const relay = createRelay({
      config: this.#config,
      stores,
      relayKey,
      codeSender: {
        send: async ({ number, code }) => {
          this.#codes.set(number, code);
        },
      },
      clock: time.clock,
      timers: time.timers,
      randomness: random,
      tracer: { ...silentTracer, reached: (step) => alive(() => onStep(step)) },
      logger: { ...quiet, error: (event, fields = {}) => alive(() => onError(event, fields)) },
      metrics: noMetrics,
      listener: port,
    });
    this.#run = { state: 'running', relay, life, time };
    await relay.start();
  }

  /**
   * Stops it in good order: it drains first.
   * @throws {TestingError} `relay-stopped`
   */
  async stop(): Promise<void> {
    const run = this.#started();
    run.state = 'stopping';
    await run.relay.stop();
    // A crash may have overtaken it, and another run begun.
    if (this.#run === run) this.#end(run);
  }

  /**
   * Kills it: what its stores have not finished never happens, and every connection breaks.
   * @throws {TestingError} `relay-stopped`
   */
  crash(): void {
    this.#end(this.#started());
  }

  #end({ life, time }: Run): void {
    this.#run = undefined;
    life.end();
    time.end();
    this.#parts.port.sever();
  }

  #started(): Run {
    if (this.#run === undefined) throw new TestingError('relay-stopped', 'the relay does not run: start it first');
    return this.#run;
  }
}

/** One start of the relay, to its end. */
interface Run {
  state: 'running' | 'stopping';
  readonly relay: Relay;
  readonly life: Life;
  readonly time: PartyTime;
}

const quiet = { debug: () => undefined, info: () => undefined, warn: () => undefined };

const noMetrics: Metrics = {
  counter: () => ({ add: () => undefined }),
  gauge: () => ({ set: () => undefined }),
  histogram: () => ({ startTimer: () => () => undefined }),
  render: async () => '',
};
