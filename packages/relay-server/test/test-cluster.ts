import { randomBytes } from 'node:crypto';
import { pinoLogger } from '../src/adapters/logging/pino-logger.ts';
import { MemoryEngines, type MemoryNodeEngines } from '../src/adapters/memory/memory-engines.ts';
import { silentTracer } from '../src/adapters/memory/tracer.ts';
import { prometheusMetrics } from '../src/adapters/metrics/prometheus-metrics.ts';
import { createClusterRelay } from '../src/cluster-node.ts';
import { loadConfig } from '../src/config/load-config.ts';
import type { RelayConfig } from '../src/config/relay-config.ts';
import { systemRandomness } from '../src/platform/system-randomness.ts';
import type { Metrics } from '../src/ports/metrics.ts';
import type { Relay } from '../src/relay.ts';
import { ManualTime } from './manual-time.ts';
import { NodePower } from './node-power.ts';

const topics = { toUser: 'user2user_message', toGroup: 'group_message', poison: 'poison_message' };

/** What a test wants to be different. */
export interface TestClusterOptions {
  /** As in a config file. */
  readonly config?: object;
  /** How many nodes there are from the start; 2 by default. */
  readonly nodes?: number;
}

/** One relay of a cluster, on a port of its own. */
export interface TestNode {
  readonly url: string;
  /** As other nodes know it. */
  readonly name: string;
  readonly relay: Relay;
  readonly engines: MemoryNodeEngines;
  readonly power: NodePower;
  readonly metrics: Metrics;
  /** All its log lines so far. */
  readonly log: () => string;
  readonly codeFor: (number: string) => string;
}

/** Several relays of one process on the same engines in memory, over real sockets, with time that the test moves. */
export class TestCluster implements AsyncDisposable {
  readonly time = new ManualTime();
  readonly engines = new MemoryEngines({ clock: this.time, timers: this.time, topics: Object.values(topics) });
  readonly nodes: TestNode[] = [];
  readonly config: RelayConfig;
  readonly #relayKey = randomBytes(32);
  readonly #codes = new Map<string, string>();
  readonly #crashed: TestNode[] = [];
  #started = 0;

  constructor(options: TestClusterOptions) {
    const file = { port: 0, data: 'none', logLevel: 'debug', ...options.config };
    this.config = loadConfig({ file: { path: 'test', text: JSON.stringify(file) } });
  }

  /** One more node. */
  async start(): Promise<TestNode> {
    const name = `node-${++this.#started}:1/start`;
    const lines: string[] = [];
    const engines = this.engines.open();
    const power = new NodePower();
    const metrics = prometheusMetrics();
    const relay = createClusterRelay({
      config: this.config,
      engines: power.over(engines),
      link: this.engines.network.open(name),
      cluster: 'test',
      group: 'dispatchers',
      topics,
      drainMs: 5_000,
      relayKey: this.#relayKey,
      codeSender: {
        send: async ({ number, code }) => {
          this.#codes.set(number, code);
        },
      },
      clock: this.time,
      timers: this.time,
      randomness: systemRandomness,
      tracer: silentTracer,
      logger: pinoLogger(this.config.logLevel, { write: (line) => lines.push(line) }),
      metrics,
    });
    const { url } = await relay.start().catch(async (error: unknown) => {
      await relay.stop();
      throw error;
    });
    const codeFor = (number: string) => this.codeFor(number);
    const node = { url, name, relay, engines, power, metrics, log: () => lines.join(''), codeFor };
    this.nodes.push(node);
    return node;
  }

  /** Drains a node and takes it away. */
  async stop(node: TestNode): Promise<void> {
    this.nodes.splice(this.nodes.indexOf(node), 1);
    await this.during(node.relay.stop());
  }

  /** A node is gone without a word. Its sockets are its clients' to break. */
  crash(node: TestNode): void {
    this.nodes.splice(this.nodes.indexOf(node), 1);
    this.#crashed.push(node);
    node.power.cut();
    this.engines.network.crash(node.name);
    node.engines.log.freeze();
  }

  /** Lets time pass until something has happened. */
  async during<T>(work: Promise<T>): Promise<T> {
    let isDone = false;
    const done = work.finally(() => {
      isDone = true;
    });
    done.catch(() => undefined);
    while (!isDone) {
      this.time.advance(50);
      await turns();
    }
    return done;
  }

  /** The code that was last sent to a number, by whichever node. */
  codeFor(number: string): string {
    const code = this.#codes.get(number);
    if (code === undefined) throw new Error('no code was sent to this number');
    return code;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { power } of this.#crashed) power.end();
    const crashed = Promise.allSettled(this.#crashed.map(({ relay }) => relay.stop()));
    await this.during(Promise.all([...this.nodes.map(({ relay }) => relay.stop()), crashed]));
  }
}

/** Lets what is under way in memory and between sockets go on for some turns of the event loop. */
export async function turns(count = 20): Promise<void> {
  for (let at = 0; at < count; at++) await new Promise((resolve) => setImmediate(resolve));
}

/** Two nodes, unless others are asked for. */
export async function startCluster(options: TestClusterOptions = {}): Promise<TestCluster> {
  const cluster = new TestCluster(options);
  for (let node = 0; node < (options.nodes ?? 2); node++) await cluster.start();
  return cluster;
}

/** The first two of them. */
export function pairOf(cluster: TestCluster): readonly [TestNode, TestNode] {
  const [first, second] = cluster.nodes;
  if (first === undefined || second === undefined) throw new Error('a cluster of two has two nodes');
  return [first, second];
}
