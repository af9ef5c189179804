import { randomBytes } from 'node:crypto';
import { loadConfig, type RelayConfig } from '@sotto/relay-server';
import { inject } from 'vitest';
import {
  engineOptions,
  makeLogTopics,
  removeKeys,
  topicTerms,
} from '../../packages/relay-server/test/cluster-opening.ts';

/** Topics that a cluster of this worker is on. */
const taken = new Set<number>();

/** The settings of one cluster in the keyspace of the run. */
export interface RunSettings {
  /** No other has it. */
  readonly name: string;
  /** As in a config file, with what was wished. */
  readonly file: object;
  readonly config: RelayConfig;
  /** The cluster is no more. */
  release(): Promise<void>;
}

/**
 * Settings with topics, keys of Redis and of the bucket that no other cluster has now.
 *
 * The clusters of a worker take over each other's topics: making some takes longer than a journey, and what a cluster leaves there is committed.
 */
export async function takeSettings(wished: object): Promise<RunSettings> {
  const place = [...Array(100).keys()].find((free) => !taken.has(free)) ?? 100;
  taken.add(place);
  const name = randomBytes(6).toString('hex');
  const run = JSON.parse(inject('clusterFile'));
  const file = {
    ...run,
    kafka: { ...run.kafka, topicPrefix: `${run.kafka.topicPrefix}${process.env.VITEST_POOL_ID}-${place}.` },
    redis: { ...run.redis, prefix: `${run.redis.prefix}.${name}` },
    blobs: { ...run.blobs, s3: { ...run.blobs.s3, prefix: `${name}/` } },
    ...wished,
  };
  const config = loadConfig({ file: { path: 'relay.json', text: JSON.stringify(file) } });
  const { kafka } = await engineOptions(config);
  await makeLogTopics({ kafka, ...topicTerms(config) });
  return {
    name,
    file,
    config,
    async release() {
      await removeKeys(config.redis.url, config.redis.prefix);
      taken.delete(place);
    },
  };
}
