import type { CassandraOptions } from './adapters/cassandra/cassandra-database.ts';
import type { KafkaOptions } from './adapters/kafka/kafka-options.ts';
import type { RedisOptions } from './adapters/redis/redis-database.ts';
import type { CassandraConfig, KafkaConfig, RedisConfig } from './config/cluster-config.ts';
import { readSettingFile } from './read-setting-file.ts';

/** How the settings say that engines are reached: files of authorities are read, nothing is connected. */
export interface EngineOptions {
  readonly kafka: KafkaOptions;
  readonly cassandra: CassandraOptions;
  readonly redis: Omit<RedisOptions, 'onTrouble' | 'onReady'>;
}

/** @throws {RelayError} `config-invalid` when a file can't be read */
export async function engineOptions(config: {
  readonly kafka: KafkaConfig;
  readonly cassandra: CassandraConfig;
  readonly redis: RedisConfig;
}): Promise<EngineOptions> {
  const { kafka, cassandra, redis } = config;
  const [kafkaTls, cassandraTls, redisTls] = await Promise.all([
    authority('kafka.authorityFile', kafka.authorityFile),
    authority('cassandra.authorityFile', cassandra.authorityFile),
    authority('redis.authorityFile', redis.authorityFile),
  ]);
  const { mechanism, username, password } = kafka.sasl;
  const { contactPoints, port, localDataCenter, keyspace } = cassandra;
  return {
    kafka: {
      brokers: kafka.brokers,
      ...(kafka.tls && { tls: kafkaTls }),
      ...(mechanism !== 'none' && { sasl: { mechanism, username, password } }),
    },
    cassandra: {
      contactPoints,
      port,
      localDataCenter,
      keyspace,
      ...(cassandra.username !== '' && {
        credentials: { username: cassandra.username, password: cassandra.password },
      }),
      ...(cassandra.tls && { tls: cassandraTls }),
    },
    redis: {
      url: redis.url,
      prefix: redis.prefix,
      ...(redis.password !== '' && { password: redis.password }),
      ...(redisTls.ca !== undefined && { authority: redisTls.ca }),
    },
  };
}

async function authority(key: string, path: string): Promise<{ readonly ca?: string }> {
  if (path === '') return {};
  const advice = 'it holds the certificate authority of that engine, PEM';
  return { ca: (await readSettingFile(key, path, advice)).toString('utf8') };
}
