import { cassandra } from './cassandra/cassandra.ts';
import type { Engine } from './engine.ts';
import type { EngineName } from './engine-name.ts';
import { kafka } from './kafka/kafka.ts';
import { redis } from './redis/redis.ts';
import { s3 } from './s3/s3.ts';

/** Each engine by its name. */
export const allEngines: Readonly<Record<EngineName, Engine>> = { cassandra, kafka, redis, s3 };
