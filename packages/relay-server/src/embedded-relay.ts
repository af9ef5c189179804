import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { openRelayKeyFile } from './accounts/relay-key-file.ts';
import { makeDataFolder } from './adapters/embedded/data-folder.ts';
import { openEmbeddedStores } from './adapters/embedded/embedded-stores.ts';
import { pinoLogger } from './adapters/logging/pino-logger.ts';
import { silentTracer } from './adapters/memory/tracer.ts';
import { prometheusMetrics } from './adapters/metrics/prometheus-metrics.ts';
import type { RelayConfig } from './config/relay-config.ts';
import { configuredCodeSender } from './configured-code-sender.ts';
import { openBucket } from './open-bucket.ts';
import { systemClock } from './platform/system-clock.ts';
import { systemRandomness } from './platform/system-randomness.ts';
import { systemTimers } from './platform/system-timers.ts';
import type { RelayStores } from './ports/relay-stores.ts';
import { createRelay, type Relay, type RelayParts } from './relay.ts';
import { readTrustRootFile } from './sealed/trust-root-file.ts';

/** What may be replaced in an embedded relay: all but its stores. */
export type EmbeddedRelayOptions = { readonly config: RelayConfig } & Partial<
  Omit<RelayParts, 'stores' | 'relayKey' | 'trustRoot'>
>;

/**
 * A relay of one process: SQLite and a folder under `config.data`, the platform's clock, timers and randomness unless others are given.
 *
 * @throws {RelayError} `store-locked`, `store-newer`, `store-corrupt`, `store-unavailable`, `config-invalid`
 */
export async function openEmbeddedRelay(options: EmbeddedRelayOptions): Promise<Relay> {
  const { config, clock = systemClock, timers = systemTimers, randomness = systemRandomness } = options;
  const { tracer = silentTracer, logger = pinoLogger(config.logLevel), metrics = prometheusMetrics() } = options;
  await makeDataFolder(config.data);
  const databaseExists = existsSync(join(config.data, 'relay.db'));
  const relayKey = await openRelayKeyFile({ folder: config.data, databaseExists, randomness });
  const trustRoot = await readTrustRootFile(config.data);
  const stores = await openStores(config, { clock, randomness, tracer });
  try {
    const codeSender = options.codeSender ?? configuredCodeSender(config, clock);
    return createRelay({
      config,
      stores,
      relayKey,
      trustRoot,
      codeSender,
      clock,
      timers,
      randomness,
      tracer,
      logger,
      metrics,
      ...(options.challengeCheck && { challengeCheck: options.challengeCheck }),
      ...(options.listener && { listener: options.listener }),
    });
  } catch (error) {
    await stores.close();
    throw error;
  }
}

/** SQLite in the data folder; files there too, or in a bucket. */
async function openStores(
  { data, blobs }: RelayConfig,
  parts: Pick<RelayParts, 'clock' | 'randomness' | 'tracer'>,
): Promise<RelayStores> {
  const stores = await openEmbeddedStores({ folder: data, ...parts });
  if (blobs.store === 'folder') return stores;
  try {
    const bucket = await openBucket(blobs.s3);
    return {
      ...stores,
      blobs: bucket,
      async close() {
        bucket.close();
        await stores.close();
      },
    };
  } catch (error) {
    await stores.close();
    throw error;
  }
}
