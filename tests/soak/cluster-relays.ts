import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import {
  loadConfig,
  marksOf,
  migrateCluster,
  openEngines,
  pinoLogger,
  readClusterKeys,
  systemClock,
  systemRandomness,
  systemTimers,
} from '@sotto/relay-server';
import type { ClusterEngines } from '@sotto/relay-server/ports';
import { TestAuthority } from '../../packages/relay-server/test/certificates.ts';
import type { Engines } from '../../packages/relay-server/test/engines.ts';
import { abortable } from './abortable.ts';
import { ClusterBooks } from './cluster-books.ts';
import { engineFaults } from './engine-faults.ts';
import { SentCodes } from './sent-codes.ts';
import { SoakEngines } from './soak-engines.ts';
import type { ClusterSoak } from './soak-options.ts';
import { SoakRelay } from './soak-relay.ts';
import type { Fault, FaultParts, RelayBooks, SoakRelays } from './soak-relays.ts';

const second = 1_000;
/** Of each topic: enough for three nodes, few enough for a machine that runs all of it. */
const partitions = 6;
const longestCloseMs = 5 * second;

/** What a run with a cluster begins with. */
export interface ClusterRelaysParts extends ClusterSoak {
  /** Of the run. */
  readonly folder: string;
  /** A folder for what its nodes write. */
  readonly logs: string;
  readonly paced: boolean;
  readonly say: (line: string) => void;
  /** Ends the opening, which takes minutes: then nothing is left of it. */
  readonly signal: AbortSignal;
}

/** Two relay nodes, and at times a third one, on engines of their own. */
export class ClusterRelays implements SoakRelays {
  /** Those that lie in the relay's own code; a store's lie elsewhere in each. */
  readonly steps = ['send.result.sent', 'deliver.sent', 'ack.received'];
  /** Nodes set their clocks by the network: minutes are much. */
  readonly farthestClockMs = 10 * 60 * second;
  readonly books: RelayBooks;
  /** Those of this run, which may be harmed. */
  readonly #engines: SoakEngines | undefined;
  readonly #asked: ClusterEngines;
  readonly #topics: readonly string[];
  readonly #standing: readonly SoakRelay[];
  /** Comes and goes. */
  readonly #guest: SoakRelay;
  readonly #codes = new SentCodes();
  #isGuestIn = false;
  #connections = 0;

  private constructor(parts: {
    readonly engines: SoakEngines | undefined;
    readonly asked: ClusterEngines;
    readonly prefix: string;
    readonly config: object;
    readonly paced: boolean;
    readonly logs: string;
  }) {
    const { engines, asked, prefix, config, paced, logs } = parts;
    this.#engines = engines;
    this.#asked = asked;
    this.#topics = [`${prefix}user2user_message`, `${prefix}group_message`];
    this.books = new ClusterBooks(asked, { topics: this.#topics, group: `${prefix}dispatchers` });
    const node = (number: number) =>
      new SoakRelay({
        name: `relay${number}`,
        kind: 'cluster',
        config,
        paced,
        planted: undefined,
        codes: this.#codes,
        logs,
      });
    this.#standing = [node(1), node(2)];
    this.#guest = node(3);
  }

  static async open(parts: ClusterRelaysParts): Promise<ClusterRelays> {
    const { folder, brokers, nodes, ports, engines: given, logs, paced, say, signal } = parts;
    const place = given ?? join(folder, 'engines');
    mkdirSync(place, { recursive: true, mode: 0o700 });
    const areGiven = given !== undefined;
    const engines =
      parts.addresses === undefined
        ? await SoakEngines.up({ folder: place, brokers, nodes, ports, areGiven }, { say, signal })
        : undefined;
    const addresses = parts.addresses ?? engines?.addresses;
    if (addresses === undefined) throw new Error('there are no engines');
    try {
      const name = `soak${randomBytes(4).toString('hex')}`;
      const config = await settings(join(folder, 'settings'), name, addresses);
      const read = loadConfig({ file: { path: 'soak.json', text: JSON.stringify(config) } });
      await abortable(migrateCluster(read, { clock: systemClock, say: () => undefined }), signal);
      const platform = { clock: systemClock, timers: systemTimers, randomness: systemRandomness };
      const marks = marksOf(await readClusterKeys(read.cluster), systemClock);
      const opening = openEngines(read, { ...platform, marks, logger: pinoLogger('silent') });
      const asked = await abortable(opening, signal).catch((error: unknown) => {
        opening.then(closeEngines, () => undefined);
        throw error;
      });
      return new ClusterRelays({ engines, asked, prefix: read.kafka.topicPrefix, config, paced, logs });
    } catch (error) {
      await engines?.end();
      throw error;
    }
  }

  get nodes(): readonly SoakRelay[] {
    return this.#isGuestIn ? [...this.#standing, this.#guest] : this.#standing;
  }

  faults(parts: FaultParts): readonly Fault[] {
    const { seeded, during } = parts;
    const zombie = async () => {
      const node = seeded.oneOf(this.#standing[0] ?? this.#guest, ...this.#standing.slice(1));
      // Kafka gives its partitions to others after ten seconds, and it does not know when it goes on.
      const ms = seeded.between(12, 20) * second;
      await node.alone(async () => {
        node.stop();
        await during(ms);
        node.continue();
      });
    };
    const guest = async () => {
      await this.#guest.alone(() => this.#guest.start());
      this.#isGuestIn = true;
      await during(seeded.between(5, 20) * second);
      await this.#letGuestGo();
    };
    const restart = async () => {
      const node = seeded.oneOf(this.#standing[0] ?? this.#guest, ...this.#standing.slice(1));
      await node.alone(async () => {
        await node.revive();
        await node.leave();
        await node.start();
      });
    };
    const poison = async () => {
      for (const topic of this.#topics) {
        await this.#asked.log.append(topic, randomBytes(16), randomBytes(seeded.between(0, 400)));
      }
    };
    return [
      ...(this.#engines === undefined ? [] : engineFaults(this.#engines, parts)),
      { kind: 'zombie dispatcher', run: zombie },
      { kind: 'third relay node comes and goes', run: guest },
      { kind: 'relay node stopped and started in order', run: restart },
      { kind: 'poison record', run: poison },
    ];
  }

  async roll(during: (ms: number) => Promise<void>): Promise<void> {
    const pauseMs = 5 * second;
    await during(pauseMs);
    for (const node of this.#standing) {
      await node.alone(async () => {
        await node.leave();
        await during(pauseMs);
        await node.start();
      });
      await during(pauseMs);
    }
    await this.#guest.alone(() => this.#guest.start());
    this.#isGuestIn = true;
    await during(2 * pauseMs);
  }

  route(): number {
    const serving = this.nodes.filter(({ isServing }) => isServing);
    const [first] = this.#standing;
    const chosen = serving[this.#connections++ % Math.max(1, serving.length)] ?? first;
    return chosen?.port ?? 0;
  }

  codeFor(phone: string): Promise<string> {
    return this.#codes.codeFor(phone);
  }

  async start(): Promise<void> {
    for (const node of this.#standing) await node.start();
  }

  async heal(): Promise<void> {
    await this.#engines?.heal();
    await this.#letGuestGo();
  }

  problems(): readonly string[] {
    return this.#isGuestIn ? [] : this.#guest.unasked;
  }

  async end(): Promise<void> {
    // The guest may be on its way in.
    await this.#guest.end();
    // Engines that are cut off or stopped answer no goodbye.
    await Promise.race([closeEngines(this.#asked), pause(longestCloseMs, undefined, { ref: false })]);
    await this.#engines?.end();
  }

  async #letGuestGo(): Promise<void> {
    await this.#guest.alone(async () => {
      if (!this.#isGuestIn) return;
      await this.#guest.revive();
      this.#isGuestIn = false;
      await this.#guest.leave();
    });
  }
}

async function closeEngines(engines: ClusterEngines): Promise<void> {
  await engines.close().catch((error: unknown) => console.error(`soak: ${error}`));
}

/** The settings of all nodes, with keys and a certificate of this run. */
async function settings(folder: string, name: string, { kafka, cassandra, redis, s3 }: Engines): Promise<object> {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const file = (path: string) => join(folder, path);
  writeFileSync(file('relay.key'), randomBytes(32), { mode: 0o600 });
  const authority = new TestAuthority();
  const { certificate, key } = authority.issue({ hosts: ['127.0.0.1'] });
  writeFileSync(file('authority.pem'), authority.certificate);
  writeFileSync(file('node.pem'), certificate);
  writeFileSync(file('node.key'), key, { mode: 0o600 });
  const { endpoint, region, accessKeyId, secretAccessKey } = s3;
  return {
    host: '127.0.0.1',
    store: 'cluster',
    cluster: {
      name,
      host: '127.0.0.1',
      port: 0,
      listen: '127.0.0.1',
      certificateFile: file('node.pem'),
      certificateKeyFile: file('node.key'),
      authorityFile: file('authority.pem'),
      relayKeyFile: file('relay.key'),
    },
    kafka: { brokers: kafka.brokers, topicPrefix: `${name}-`, partitions, replicas: kafka.brokers.length },
    cassandra: {
      contactPoints: cassandra.contactPoints,
      port: cassandra.port,
      localDataCenter: cassandra.localDataCenter,
      keyspace: name,
      replication: [`${cassandra.localDataCenter}:${cassandra.contactPoints.length}`],
    },
    redis: { url: redis.url, prefix: name },
    blobs: { store: 's3', s3: { endpoint, region, accessKeyId, secretAccessKey, bucket: name } },
  };
}
