import {
  createClusterRelay,
  loadConfig,
  pinoLogger,
  prometheusMetrics,
  type Relay,
  systemClock,
  systemRandomness,
  systemTimers,
} from '@sotto/relay-server';
import type { BlobStore, MailLedger } from '@sotto/relay-server/ports';
import type { RelayUnderTest, RelayWishes } from '../journeys/relay-kind.ts';
import type { ClusterGround, GroundMaker, GroundParts } from './cluster-ground.ts';

const nodes = 2;

/** Relays of two nodes in this process, on what a ground gives them. */
export function clusterRelays(makeGround: GroundMaker): (wishes: RelayWishes) => RelayUnderTest {
  return (wishes) => new ClusterRelay(wishes, makeGround);
}

/** Two nodes of a cluster in this process. */
class ClusterRelay implements RelayUnderTest {
  readonly #wishes: RelayWishes;
  readonly #makeGround: GroundMaker;
  readonly #kept = new KeptThings();
  readonly #ports: number[] = Array.from({ length: nodes }, () => 0);
  #ground: Promise<ClusterGround> | undefined;
  #relays: readonly Relay[] = [];

  constructor(wishes: RelayWishes, makeGround: GroundMaker) {
    this.#wishes = wishes;
    this.#makeGround = makeGround;
  }

  async start(): Promise<readonly [string, ...string[]]> {
    const ground = await this.#standing();
    const parts = await Promise.all(this.#ports.map(() => ground.node()));
    this.#relays = parts.map((part, at) => this.#node(ground, part, this.#ports[at] ?? 0));
    const [first, ...others] = await Promise.all(this.#relays.map((relay) => relay.start()));
    if (first === undefined) throw new Error('a cluster has nodes');
    for (const [at, { port }] of [first, ...others].entries()) this.#ports[at] = port;
    return [first.url, ...others.map(({ url }) => url)];
  }

  async stop(): Promise<void> {
    const relays = this.#relays;
    this.#relays = [];
    await Promise.all(relays.map((relay) => relay.stop()));
  }

  trustRoot = async () => (await this.#standing()).trustRoot;
  mailHeld = async () => this.#kept.mail;
  groupAvatars = async () => [...this.#kept.blobs].filter((key) => key.startsWith('groups/')).length;

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await (await this.#ground)?.close();
  }

  #standing(): Promise<ClusterGround> {
    this.#ground ??= this.#makeGround(this.#wishes);
    return this.#ground;
  }

  #node({ settings: standing }: ClusterGround, parts: GroundParts, port: number): Relay {
    const { settings, codeSender, tracer, clock, timers, challengeCheck } = this.#wishes;
    const file = { ...standing, ...settings, port };
    const config = loadConfig({ file: { path: 'relay.json', text: JSON.stringify(file) } });
    const { engines } = parts;
    return createClusterRelay({
      ...parts,
      config,
      engines: {
        ...engines,
        ledger: this.#kept.countedLedger(engines.ledger),
        stores: { ...engines.stores, blobs: this.#kept.countedBlobs(engines.stores.blobs) },
      },
      codeSender,
      tracer,
      clock: clock ?? systemClock,
      timers: timers ?? systemTimers,
      randomness: systemRandomness,
      logger: pinoLogger(config.logLevel),
      metrics: prometheusMetrics(),
      ...(challengeCheck && { challengeCheck }),
    });
  }
}

/** What all nodes have been seen to keep. */
class KeptThings {
  mail = 0;
  readonly blobs = new Set<string>();

  countedLedger(ledger: MailLedger): MailLedger {
    return {
      reserve: async (entries, quota) => {
        const statuses = await ledger.reserve(entries, quota);
        this.mail += statuses.filter((status) => status === 'accepted').length;
        return statuses;
      },
      release: async (device, entryIds) => this.#gone(await ledger.release(device, entryIds)),
      usage: (device) => ledger.usage(device),
      expire: async (now, limit) => this.#gone(await ledger.expire(now, limit)),
      forget: (device) => ledger.forget(device),
      nextEnd: () => ledger.nextEnd(),
    };
  }

  countedBlobs(blobs: BlobStore): BlobStore {
    return {
      put: async (key, bytes) => {
        await blobs.put(key, bytes);
        this.blobs.add(key);
      },
      get: (key) => blobs.get(key),
      delete: async (key) => {
        await blobs.delete(key);
        this.blobs.delete(key);
      },
    };
  }

  #gone(count: number): number {
    this.mail -= count;
    return count;
  }
}
