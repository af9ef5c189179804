import { RelayError } from './relay-error.ts';

/** The modules of the engines of a cluster, each of which needs a client that a relay of one process does without. */
export interface EngineAdapters {
  readonly kafkaLog: typeof import('./adapters/kafka/mail-log.ts');
  readonly kafkaTopics: typeof import('./adapters/kafka/topics.ts');
  readonly cassandra: typeof import('./adapters/cassandra/cassandra-stores.ts');
  readonly redis: typeof import('./adapters/redis/cluster-stores.ts');
}

/**
 * Loads what speaks with the engines of a cluster, here and nowhere else.
 * @throws {RelayError} `config-invalid` when a client is not installed
 */
export async function loadEngineAdapters(): Promise<EngineAdapters> {
  try {
    const [kafkaLog, kafkaTopics, cassandra, redis] = await Promise.all([
      import('./adapters/kafka/mail-log.ts'),
      import('./adapters/kafka/topics.ts'),
      import('./adapters/cassandra/cassandra-stores.ts'),
      import('./adapters/redis/cluster-stores.ts'),
    ]);
    return { kafkaLog, kafkaTopics, cassandra, redis };
  } catch (cause) {
    if (!(cause instanceof Error && 'code' in cause && cause.code === 'ERR_MODULE_NOT_FOUND')) throw cause;
    throw new RelayError(
      'config-invalid',
      '`store` is `cluster`, whose clients are not all installed: `npm install @platformatic/kafka cassandra-driver redis @aws-sdk/client-s3 @aws-sdk/lib-storage`.',
      { cause },
    );
  }
}
