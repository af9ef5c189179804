import { checkClusterIdentity } from './cluster-identity.ts';
import type { ClusterKeyMarks } from './cluster-keys.ts';
import { logNames } from './config/log-names.ts';
import type { RelayConfig } from './config/relay-config.ts';
import { type EngineAdapters, loadEngineAdapters } from './engine-adapters.ts';
import { type EngineOptions, engineOptions } from './engine-options.ts';
import { recordBytes, topicTerms } from './log-terms.ts';
import { RedisTrouble } from './metrics/redis-trouble.ts';
import { openMadeBucket } from './open-bucket.ts';
import { closeEach } from './platform/close-each.ts';
import type { Clock } from './ports/clock.ts';
import type { ClusterEngines } from './ports/cluster-engines.ts';
import type { Logger } from './ports/logger.ts';
import type { Randomness } from './ports/randomness.ts';
import type { Timers } from './ports/timers.ts';
import { RelayError } from './relay-error.ts';

/** What opening engines needs besides the settings. */
export interface OpenEnginesParts {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly randomness: Randomness;
  readonly logger: Logger;
  /** Of this node's secrets: a cluster that was made with others is refused. */
  readonly marks: ClusterKeyMarks;
  /** See `CassandraAccountsOptions`. */
  readonly realm?: string;
  /** See `RedisOptions`. */
  readonly commandTimeoutMs?: number;
}

const mostTries = 3;

/** Something that is open, and how it is closed. */
interface Opened<Engine> {
  readonly engine: Engine;
  close(): Promise<void>;
}

/**
 * Opens what the nodes of a cluster share: Kafka, Cassandra, Redis and a bucket, all at once. What is open is closed again when one of them fails.
 *
 * It makes nothing: `sotto-relay migrate` does.
 * @throws {RelayError} `config-invalid` when a client is not installed, an engine refuses this relay, topics, tables or bucket are missing or not as the settings say, or the cluster was made with other keys; `store-newer` when a later version has been here; `store-unavailable` when an engine does not answer
 */
export async function openEngines(config: RelayConfig, parts: OpenEnginesParts): Promise<ClusterEngines> {
  const adapters = await loadEngineAdapters();
  const options = await engineOptions(config);
  const [log, database, redis, bucket] = await allOrNone([
    openLog(config, adapters, options, parts),
    openDatabase(config, adapters, options, parts),
    openRedis(adapters, options, parts),
    openMadeBucket(config.blobs.s3).then((engine) => ({ engine, close: async () => engine.close() })),
  ]);
  const { ledger, receipts, nodes, presence, rateLimiter, tickets, deviceCodes, links, verifications } = redis.engine;
  const { pending, listed, ...stores } = adapters.cassandra.cassandraStores(database.engine, {
    ...parts,
    ledger,
    codes: redis.engine,
  });
  const { topics } = logNames(config.kafka);
  let closing: Promise<void> | undefined;
  return {
    stores: { ...stores, rateLimiter, tickets, deviceCodes, links, verifications, blobs: bucket.engine },
    log: log.engine,
    pending,
    presence,
    receipts,
    ledger,
    listed,
    nodes,
    checks: [
      { engine: 'Kafka', check: () => log.engine.check(topics.toUser) },
      { engine: 'Cassandra', check: () => stores.check() },
      { engine: 'Redis', check: () => redis.engine.check() },
      { engine: 'S3', spared: true, check: async () => void (await bucket.engine.check()) },
    ],
    // The log first: what is being handed out still writes to the others.
    close: () => (closing ??= closeEach([log, database, redis, bucket].map((opened) => () => opened.close()))),
  };
}

async function openLog(
  config: RelayConfig,
  { kafkaLog, kafkaTopics }: EngineAdapters,
  options: EngineOptions,
  { timers }: OpenEnginesParts,
) {
  const { topics, partitions } = topicTerms(config);
  const found = await kafkaTopics.findLogTopics({ kafka: options.kafka, topics, partitions });
  const missing = topics.filter((topic) => !found.some((one) => one.topic === topic));
  if (missing.length > 0) {
    throw new RelayError(
      'config-invalid',
      `Kafka has not got the topics ${missing.join(', ')}: run \`sotto-relay migrate\` first.`,
    );
  }
  const engine = new kafkaLog.KafkaMailLog({ kafka: options.kafka, timers, recordBytes: recordBytes(config) });
  return { engine, close: () => engine.close() };
}

async function openDatabase(
  config: RelayConfig,
  { cassandra }: EngineAdapters,
  options: EngineOptions,
  { marks }: OpenEnginesParts,
) {
  const engine = await cassandra.openMigrated(options.cassandra);
  try {
    checkClusterIdentity(config, marks, await cassandra.clusterIdentity(engine));
    return { engine, close: () => engine.close() };
  } catch (error) {
    await engine.close();
    throw error;
  }
}

async function openRedis({ redis }: EngineAdapters, options: EngineOptions, parts: OpenEnginesParts) {
  const { commandTimeoutMs } = parts;
  const trouble = new RedisTrouble(parts);
  const timed = {
    ...options.redis,
    ...(commandTimeoutMs !== undefined && { commandTimeoutMs }),
    onTrouble: (error: RelayError) => trouble.failed(error),
    onReady: () => trouble.ready(),
  };
  const open = () => redis.openRedisClusterStores(timed, parts);
  const engine = await open().catch((error: unknown) => openedLater(open, error));
  return { engine, close: () => engine.close() };
}

/** Tries again what is given the shortest time of all engines, while this process is busy with opening them. */
async function openedLater<Engine>(open: () => Promise<Engine>, before: unknown): Promise<Engine> {
  let failure = before;
  for (let tries = 1; tries < mostTries; tries++) {
    if (!(failure instanceof RelayError && failure.retryable)) break;
    try {
      return await open();
    } catch (error) {
      failure = error;
    }
  }
  throw failure;
}

/** Waits for all. When some fail the others are closed, and of the failures one is thrown that does not go away by itself, if there is one. */
async function allOrNone<Engines extends readonly unknown[]>(
  opening: {
    readonly [At in keyof Engines]: Promise<Opened<Engines[At]>>;
  },
): Promise<{ readonly [At in keyof Engines]: Opened<Engines[At]> }> {
  const results = await Promise.allSettled(opening);
  const failures = results.flatMap((result) => (result.status === 'rejected' ? [result.reason as unknown] : []));
  const opened = results.flatMap((result) => (result.status === 'fulfilled' ? [result.value as Opened<unknown>] : []));
  if (failures.length === 0) return opened as unknown as { readonly [At in keyof Engines]: Opened<Engines[At]> };
  // Why it can't be opened says more than what else goes wrong.
  await closeEach(opened.map((one) => () => one.close())).catch(() => undefined);
  throw failures.find((failure) => !(failure instanceof RelayError && failure.retryable)) ?? failures[0];
}
