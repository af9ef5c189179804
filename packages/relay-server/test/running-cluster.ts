import { pinoLogger } from '../src/adapters/logging/pino-logger.ts';
import { openClusterRelay } from '../src/cluster-relay.ts';
import { migrateCluster } from '../src/migrate-cluster.ts';
import { systemClock } from '../src/platform/system-clock.ts';
import type { Relay } from '../src/relay.ts';
import { ClusterSettings, type Settings } from './cluster-settings.ts';
import { EngineContents } from './engine-contents.ts';

/** One node, as clients know it. */
export interface RunningNode {
  readonly url: string;
  readonly relay: Relay;
  readonly codeFor: (number: string) => string;
}

/** Two nodes of this process on the engines that run, with all that they say and all that they keep in the hands of a test. */
export class RunningCluster implements AsyncDisposable {
  readonly contents: EngineContents;
  readonly nodes: RunningNode[] = [];
  readonly #settings: ClusterSettings;
  readonly #change: Settings;
  readonly #codes = new Map<string, string>();
  readonly #lines: string[] = [];

  private constructor(settings: ClusterSettings, change: Settings, contents: EngineContents) {
    this.#settings = settings;
    this.#change = change;
    this.contents = contents;
  }

  static async start(change: Settings = {}): Promise<RunningCluster> {
    const settings = await ClusterSettings.make();
    const config = settings.config(change);
    await migrateCluster(config, { clock: systemClock, say: () => undefined });
    const cluster = new RunningCluster(settings, change, await EngineContents.open(config));
    await cluster.#node();
    await cluster.#node();
    return cluster;
  }

  /** Those that all nodes have written so far. */
  get log(): string {
    return this.#lines.join('');
  }

  /** The first two of them. */
  get pair(): readonly [RunningNode, RunningNode] {
    const [first, second] = this.nodes;
    if (first === undefined || second === undefined) throw new Error('it was stopped');
    return [first, second];
  }

  async stop(): Promise<void> {
    await Promise.all(this.nodes.splice(0).map(({ relay }) => relay.stop()));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await this.contents[Symbol.asyncDispose]();
    await this.#settings[Symbol.asyncDispose]();
  }

  async #node(): Promise<void> {
    const config = this.#settings.config({ logLevel: 'debug', ...this.#change });
    const relay = await openClusterRelay({
      config,
      codeSender: {
        send: async ({ number, code }) => {
          this.#codes.set(number, code);
        },
      },
      logger: pinoLogger(config.logLevel, { write: (line) => this.#lines.push(line) }),
    });
    const { url } = await relay.start();
    const codeFor = (number: string) => {
      const code = this.#codes.get(number);
      if (code === undefined) throw new Error('no code was sent to this number');
      return code;
    };
    this.nodes.push({ url, relay, codeFor });
  }
}
