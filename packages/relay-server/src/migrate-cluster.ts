import type { SchemaPart } from './adapters/cassandra/migrations.ts';
import type { MadeTopic } from './adapters/kafka/topics.ts';
import { checkClusterIdentity, identityOf } from './cluster-identity.ts';
import { type ClusterKeyMarks, marksOf, readClusterKeys } from './cluster-keys.ts';
import type { RelayConfig } from './config/relay-config.ts';
import { type EngineAdapters, loadEngineAdapters } from './engine-adapters.ts';
import { type EngineOptions, engineOptions } from './engine-options.ts';
import { topicTerms } from './log-terms.ts';
import { prepareBucket } from './open-bucket.ts';
import type { Clock } from './ports/clock.ts';
import { RelayError } from './relay-error.ts';

/** What migrating needs besides the settings. */
export interface MigrateParts {
  readonly clock: Clock;
  /** Is told what was done, and what was there already: one sentence each. */
  readonly say: (line: string) => void;
}

const dayMs = 86_400_000;

/**
 * Makes what the engines of a cluster need, or brings it up to date: topics, keyspace and tables, the bucket, and the note of what the cluster is made with.
 *
 * May be repeated, and may run on several nodes at once, also while nodes serve. It deletes nothing, and changes no setting of what is there. What can be refused before anything is made is: another number of partitions, fewer brokers than `kafka.replicas`, a schema of a later version.
 * @throws {RelayError} `config-invalid`, `store-newer`, `store-unavailable`
 */
export async function migrateCluster(config: RelayConfig, { clock, say }: MigrateParts): Promise<void> {
  if (config.store !== 'cluster') {
    throw new RelayError(
      'config-invalid',
      '`store` is `embedded`, which needs no migration: the relay brings its database up to date when it starts.',
    );
  }
  const marks = marksOf(await readClusterKeys(config.cluster), clock);
  const adapters = await loadEngineAdapters();
  const options = await engineOptions(config);
  const { kafka } = options;
  await adapters.kafkaTopics.checkLogTopics({ kafka, ...topicTerms(config) });
  await migrateTables(config, adapters, options, { marks, clock, say });
  await makeTopics(config, adapters, options, say);
  const { bucket } = config.blobs.s3;
  const outcome = await prepareBucket(config.blobs.s3);
  say(outcome === 'made' ? `S3: made the bucket ${bucket}` : `S3: the bucket ${bucket} is there`);
}

async function migrateTables(
  config: RelayConfig,
  { cassandra }: EngineAdapters,
  options: EngineOptions,
  { marks, clock, say }: MigrateParts & { readonly marks: ClusterKeyMarks },
): Promise<void> {
  const made: SchemaPart[] = [];
  const { replication } = config.cassandra;
  await cassandra.migrate(options.cassandra, {
    clock,
    onMade: (part) => made.push(part),
    ...(replication.length > 0 && { replication: new Map(replication.map(replicasOf)) }),
  });
  const database = await cassandra.openMigrated(options.cassandra);
  try {
    const replicas = [...(await cassandra.keyspaceReplication(database))];
    const places = replicas.map(([center, count]) => `${count} in ${center}`).join(', ');
    const isNew = made.some(({ kind }) => kind === 'keyspace');
    const { keyspace } = config.cassandra;
    say(
      `Cassandra: ${isNew ? 'made the keyspace' : 'the keyspace'} ${keyspace}${isNew ? '' : ' is there'}, replicas: ${places}`,
    );
    for (const { name, steps } of cassandra.tableAreas) {
      const ours = made.filter((part) => part.kind === 'step' && part.area === name).length;
      say(
        ours > 0
          ? `Cassandra: brought the tables of ${name} to version ${steps.length}, in ${ours} ${ours === 1 ? 'step' : 'steps'}`
          : `Cassandra: the tables of ${name} are there, version ${steps.length}`,
      );
    }
    const identity = await cassandra.noteClusterIdentity(database, identityOf(config, marks));
    checkClusterIdentity(config, marks, identity.noted);
    say(
      identity.isNew
        ? `Cassandra: noted the name ${config.cluster.name}, and what the relay key and the trust root are known by`
        : 'Cassandra: name, relay key and trust root are those that the relay was made with',
    );
  } finally {
    await database.close();
  }
}

async function makeTopics(
  config: RelayConfig,
  { kafkaTopics, kafkaLog }: EngineAdapters,
  { kafka }: EngineOptions,
  say: MigrateParts['say'],
): Promise<void> {
  const made = new Set<string>();
  const terms = topicTerms(config);
  const topics: readonly MadeTopic[] = await kafkaTopics.makeLogTopics({
    kafka,
    ...terms,
    onMade: (topic) => made.add(topic),
  });
  const log = new kafkaLog.KafkaMailLog({ kafka });
  try {
    for (const { topic, partitions } of topics) {
      const retentionMs = (await log.describe(topic))?.retentionMs;
      const kept = retentionMs === undefined ? 'kept for ever' : `kept for ${retentionMs / dayMs} days`;
      const how = made.has(topic) ? `made the topic ${topic}` : `the topic ${topic} is there`;
      say(`Kafka: ${how}, partitions: ${partitions}, ${kept}`);
    }
  } finally {
    await log.close();
  }
}

function replicasOf(item: string): readonly [string, number] {
  const colon = item.lastIndexOf(':');
  return [item.slice(0, colon), Number(item.slice(colon + 1))];
}
