import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { loadConfig, pinoLogger, systemClock, systemRandomness, systemTimers } from '@sotto/relay-server';
import { inject } from 'vitest';
import { makeLogTopics } from '../../packages/relay-server/src/adapters/kafka/topics.ts';
import { removeKeys } from '../../packages/relay-server/src/adapters/redis/redis-harness.ts';
import { openNodeParts } from '../../packages/relay-server/src/cluster-relay.ts';
import { engineOptions } from '../../packages/relay-server/src/engine-options.ts';
import { topicTerms } from '../../packages/relay-server/src/log-terms.ts';
import type { RelayWishes } from '../journeys/relay-kind.ts';
import type { ClusterGround } from './cluster-ground.ts';
import { datedLog } from './dated-log.ts';

/** Topics that a world of this worker is on. */
const taken = new Set<number>();

/**
 * A ground on the engines: topics, keys of Redis and of the bucket of its own, in the keyspace of the run.
 *
 * The worlds of a worker take over each other's topics: making some takes longer than a journey, and what a world leaves there is committed.
 */
export async function engineGround({ settings: wished, clock = systemClock }: RelayWishes): Promise<ClusterGround> {
  const place = [...Array(100).keys()].find((free) => !taken.has(free)) ?? 100;
  taken.add(place);
  const name = randomBytes(6).toString('hex');
  const run = JSON.parse(inject('clusterFile'));
  const settings = {
    ...run,
    kafka: { ...run.kafka, topicPrefix: `${run.kafka.topicPrefix}${process.env.VITEST_POOL_ID}-${place}.` },
    redis: { ...run.redis, prefix: `${run.redis.prefix}.${name}` },
    blobs: { ...run.blobs, s3: { ...run.blobs.s3, prefix: `${name}/` } },
  };
  const config = loadConfig({ file: { path: 'relay.json', text: JSON.stringify({ ...settings, ...wished }) } });
  const { kafka } = await engineOptions(config);
  await makeLogTopics({ kafka, ...topicTerms(config) });
  return {
    settings,
    trustRoot: readFileSync(config.cluster.trustRootFile),
    async node() {
      const parts = await openNodeParts(config, {
        clock,
        // Journeys move the relay's own time, and no connection waits for that.
        timers: systemTimers,
        connections: { clock: systemClock, timers: systemTimers },
        randomness: systemRandomness,
        logger: pinoLogger(config.logLevel),
        realm: name,
      });
      const { engines } = parts;
      return { ...parts, engines: { ...engines, log: datedLog(engines.log, clock) } };
    },
    async close() {
      await removeKeys(config.redis.url, config.redis.prefix);
      taken.delete(place);
    },
  };
}
