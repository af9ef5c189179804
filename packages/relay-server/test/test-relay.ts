import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openRelayKeyFile } from '../src/accounts/relay-key-file.ts';
import { openEmbeddedStores } from '../src/adapters/embedded/embedded-stores.ts';
import { pinoLogger } from '../src/adapters/logging/pino-logger.ts';
import { memoryStores } from '../src/adapters/memory/memory-stores.ts';
import { RecordingTracer } from '../src/adapters/memory/tracer.ts';
import { prometheusMetrics } from '../src/adapters/metrics/prometheus-metrics.ts';
import { loadConfig } from '../src/config/load-config.ts';
import type { RelayConfig } from '../src/config/relay-config.ts';
import { systemRandomness } from '../src/platform/system-randomness.ts';
import type { ChallengeCheck } from '../src/ports/challenge-check.ts';
import type { EngineCheck } from '../src/ports/cluster-engines.ts';
import type { CodeSender } from '../src/ports/code-sender.ts';
import type { RelayListener } from '../src/ports/relay-listener.ts';
import type { RelayStores } from '../src/ports/relay-stores.ts';
import { createRelay, type Relay } from '../src/relay.ts';
import { ManualTime } from './manual-time.ts';

/** The sets of stores that the journeys run over. */
export const storeKinds = ['memory', 'embedded'] as const;
export type StoreKind = (typeof storeKinds)[number];

/** For tests that send more than anybody may to a stranger. */
export const unlimitedSends = { sendsToStranger: { burst: 0 }, sendsPerDevice: { burst: 0 } };

/** What a test wants to be different. */
export interface TestRelayOptions {
  readonly stores?: StoreKind;
  /** As in a config file. */
  readonly config?: object;
  readonly codeSender?: CodeSender;
  readonly challengeCheck?: ChallengeCheck;
  /** Stands between the relay and its stores. */
  readonly wrapStores?: (stores: RelayStores) => RelayStores;
  readonly checks?: readonly EngineCheck[];
  readonly listener?: RelayListener;
  /** A data folder to use again; it is then not removed at the end. */
  readonly folder?: string;
}

/** A relay over real sockets, on a port of its own, with time that the test moves. */
export interface TestRelay extends AsyncDisposable {
  readonly url: string;
  readonly relay: Relay;
  readonly config: RelayConfig;
  readonly stores: RelayStores;
  readonly time: ManualTime;
  readonly tracer: RecordingTracer;
  readonly folder: string;
  /** All log lines so far. */
  readonly log: () => string;
  /** The code that was last sent to a number. */
  readonly codeFor: (number: string) => string;
}

export async function startRelay(options: TestRelayOptions = {}): Promise<TestRelay> {
  const time = new ManualTime();
  const tracer = new RecordingTracer();
  const folder = options.folder ?? (await mkdtemp(join(tmpdir(), 'sotto-relay-')));
  const lines: string[] = [];
  const codes = new Map<string, string>();
  const config = loadConfig({
    file: { path: 'test', text: JSON.stringify({ port: 0, data: folder, logLevel: 'debug', ...options.config }) },
  });
  const raw =
    options.stores === 'embedded'
      ? await openEmbeddedStores({ folder, clock: time, tracer })
      : memoryStores({ clock: time });
  const stores = options.wrapStores?.(raw) ?? raw;
  const relay = createRelay({
    config,
    stores,
    relayKey: await openRelayKeyFile({ folder, databaseExists: false, randomness: systemRandomness }),
    codeSender: options.codeSender ?? {
      async send({ number, code }) {
        codes.set(number, code);
      },
    },
    ...(options.challengeCheck && { challengeCheck: options.challengeCheck }),
    ...(options.checks && { checks: options.checks }),
    ...(options.listener && { listener: options.listener }),
    clock: time,
    timers: time,
    randomness: systemRandomness,
    tracer,
    logger: pinoLogger(config.logLevel, { write: (line) => lines.push(line) }),
    metrics: prometheusMetrics(),
  });
  const { url } = await relay.start();
  return {
    url,
    relay,
    config,
    stores,
    time,
    tracer,
    folder,
    log: () => lines.join(''),
    codeFor(number) {
      const code = codes.get(number);
      if (code === undefined) throw new Error('no code was sent to this number');
      return code;
    },
    async [Symbol.asyncDispose]() {
      await relay.stop();
      if (options.folder === undefined) await rm(folder, { recursive: true, force: true });
    },
  };
}
