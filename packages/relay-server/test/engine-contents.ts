import { randomBytes } from 'node:crypto';
import { GetObjectCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import { Admin, ConfigResourceTypes } from '@platformatic/kafka';
import cassandra from 'cassandra-driver';
import { createClient, RESP_TYPES } from 'redis';
import { clientOf } from '../src/adapters/cassandra/cassandra-database.ts';
import { KafkaMailLog } from '../src/adapters/kafka/mail-log.ts';
import { logNames } from '../src/config/log-names.ts';
import type { RelayConfig } from '../src/config/relay-config.ts';

/** Bytes that stand in an engine, and where. */
export interface Found {
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** A key of Redis. */
export interface FoundKey extends Found {
  /** Without the prefix: what stands before the next colon. */
  readonly family: string;
  /** Milliseconds that are left; `undefined`: none are set. */
  readonly ttlMs: number | undefined;
}

/** How one table of Cassandra is made. */
export interface FoundTable {
  readonly table: string;
  /** `(a, b), c, d DESC` */
  readonly key: string;
  readonly defaultTtl: number;
  readonly gcGraceSeconds: number;
  readonly compaction: Readonly<Record<string, string>>;
}

/** What stands in the engines of one relay, read past it: by whoever has the engines' own credentials. */
export class EngineContents implements AsyncDisposable {
  readonly #config: RelayConfig;
  readonly #admin: Admin;
  readonly #cassandra: cassandra.Client;
  readonly #s3: S3Client;
  readonly #redis: ReturnType<typeof redisClient>;

  private constructor(config: RelayConfig) {
    const { kafka, cassandra: where, redis, blobs } = config;
    this.#config = config;
    this.#admin = new Admin({ clientId: 'sotto-test', bootstrapBrokers: [...kafka.brokers] });
    const { contactPoints, port, localDataCenter, keyspace } = where;
    this.#cassandra = clientOf({ contactPoints, port, localDataCenter, keyspace }, keyspace);
    const { endpoint, region, accessKeyId, secretAccessKey } = blobs.s3;
    const credentials = { accessKeyId, secretAccessKey };
    this.#s3 = new S3Client({ endpoint, region, credentials, forcePathStyle: true });
    this.#redis = redisClient(redis.url);
  }

  static async open(config: RelayConfig): Promise<EngineContents> {
    const contents = new EngineContents(config);
    await contents.#cassandra.connect();
    await contents.#redis.connect();
    return contents;
  }

  /** All that stands in all of them. */
  async everything(): Promise<readonly Found[]> {
    return [...(await this.records()), ...(await this.rows()), ...(await this.keys()), ...(await this.objects())];
  }

  get topics(): readonly string[] {
    return Object.values(logNames(this.#config.kafka).topics);
  }

  /** What Kafka says of a topic's settings, and of its partitions. */
  async topic(name: string): Promise<{ readonly partitions: number; readonly configs: ReadonlyMap<string, string> }> {
    const resources = [{ resourceType: ConfigResourceTypes.TOPIC, resourceName: name }];
    const [described] = await this.#admin.describeConfigs({ resources });
    const { topics } = await this.#admin.metadata({ topics: [name], forceUpdate: true });
    return {
      partitions: topics.get(name)?.partitionsCount ?? 0,
      configs: new Map(described?.configs.map((config) => [config.name, config.value ?? '']) ?? []),
    };
  }

  /** Every record from the earliest offset of every partition on, as a fetch gives it. */
  async records(): Promise<readonly Found[]> {
    const { kafka } = this.#config;
    const log = new KafkaMailLog({ kafka: { brokers: kafka.brokers, clientId: 'sotto-test' } });
    const group = `${kafka.topicPrefix}look-${randomBytes(6).toString('hex')}`;
    const left = new Set<string>();
    const ends = new Map<string, number>();
    for (const topic of this.topics) {
      for (const { partition, earliest, end } of (await log.describe(topic))?.partitions ?? []) {
        if (earliest === end) continue;
        left.add(`${topic}/${partition}`);
        ends.set(`${topic}/${partition}`, end);
      }
    }
    const found: Found[] = [];
    if (left.size > 0) {
      const all = Promise.withResolvers<void>();
      const note = (name: string, offset: number) => {
        if (offset + 1 >= (ends.get(name) ?? 0)) left.delete(name);
        if (left.size === 0) all.resolve();
      };
      await log.consume(
        { group, topics: this.topics, maxRecords: 1_000, drainMs: 1_000 },
        {
          assigned: () => undefined,
          revoked: async () => undefined,
          records: async ({ topic, partition }, records) => {
            for (const { offset, key, value, headers } of records) {
              const bytes = Buffer.concat([key, value, ...Object.values(headers)]);
              found.push({ name: `${topic}/${partition}/${offset}`, bytes });
              note(`${topic}/${partition}`, offset);
            }
          },
          skipped: ({ topic, partition }, { to }) => note(`${topic}/${partition}`, to - 1),
          failed: () => undefined,
        },
      );
      await all.promise;
    }
    await log.close();
    if (ends.size > 0) await this.#admin.deleteGroups({ groups: [group] });
    return found;
  }

  /** Whether a fetch from the earliest offset on would find a record, of any topic. */
  async hasRecords(): Promise<boolean> {
    const log = new KafkaMailLog({ kafka: { brokers: this.#config.kafka.brokers, clientId: 'sotto-test' } });
    try {
      for (const topic of this.topics) {
        const { partitions } = (await log.describe(topic)) ?? { partitions: [] };
        if (partitions.some(({ earliest, end }) => earliest < end)) return true;
      }
      return false;
    } finally {
      await log.close();
    }
  }

  /** Every row of every table. */
  async rows(): Promise<readonly Found[]> {
    const found: Found[] = [];
    for (const { table } of await this.tables()) {
      const { rows } = await this.select(`SELECT * FROM ${table}`);
      for (const row of rows) {
        const bytes = Buffer.concat(row.values().map(bytesOf));
        found.push({ name: table, bytes });
      }
    }
    return found;
  }

  select(cql: string, values: unknown[] = []): Promise<cassandra.types.ResultSet> {
    return this.#cassandra.execute(cql, values, { prepare: true, fetchSize: 10_000 });
  }

  /** As Cassandra's own schema has them, in the order of their names. */
  async tables(): Promise<readonly FoundTable[]> {
    const where = 'WHERE keyspace_name = ?';
    const { keyspace } = this.#config.cassandra;
    const { rows } = await this.select(
      `SELECT table_name, default_time_to_live, gc_grace_seconds, compaction FROM system_schema.tables ${where}`,
      [keyspace],
    );
    const { rows: columns } = await this.select(
      `SELECT table_name, column_name, kind, position, clustering_order FROM system_schema.columns ${where}`,
      [keyspace],
    );
    return rows.map((row) => {
      const { table_name: table, compaction } = row;
      const part = (kind: string) =>
        columns
          .filter((column) => column.table_name === table && column.kind === kind)
          .sort((one, other) => Number(one.position) - Number(other.position))
          .map(({ column_name, clustering_order: order }) => (order === 'desc' ? `${column_name} DESC` : column_name));
      const partition = part('partition_key').join(', ');
      const clustering = part('clustering');
      return {
        table: String(table),
        key: [clustering.length > 0 && partition.includes(',') ? `(${partition})` : partition, ...clustering].join(
          ', ',
        ),
        defaultTtl: Number(row.default_time_to_live),
        gcGraceSeconds: Number(row.gc_grace_seconds),
        compaction: Object.fromEntries(compaction instanceof Map ? compaction : Object.entries(compaction)),
      };
    });
  }

  async keys(): Promise<readonly FoundKey[]> {
    const { prefix } = this.#config.redis;
    const found: FoundKey[] = [];
    for await (const names of this.#redis.scanIterator({ MATCH: `${prefix}:*`, COUNT: 1_000 })) {
      for (const name of names.map(String)) {
        const value = await this.#valueOf(name);
        if (value === undefined) continue;
        const ttl = Number(await this.#redis.pTTL(name));
        const rest = name.slice(prefix.length + 1);
        found.push({
          name: rest,
          family: rest.split(':')[0] ?? rest,
          bytes: Buffer.concat([Buffer.from(rest), bytesOf(value)]),
          ttlMs: ttl < 0 ? undefined : ttl,
        });
      }
    }
    return found;
  }

  async objects(): Promise<readonly Found[]> {
    const { bucket } = this.#config.blobs.s3;
    const { Contents = [] } = await this.#s3.send(new ListObjectsV2Command({ Bucket: bucket }));
    return Promise.all(
      Contents.map(async ({ Key: name = '' }) => {
        const { Body } = await this.#s3.send(new GetObjectCommand({ Bucket: bucket, Key: name }));
        const body = (await Body?.transformToByteArray()) ?? new Uint8Array();
        return { name, bytes: Buffer.concat([Buffer.from(name), body]) };
      }),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#admin.close();
    await this.#cassandra.shutdown();
    this.#redis.destroy();
    this.#s3.destroy();
  }

  /** `undefined`: it is gone meanwhile. */
  async #valueOf(name: string): Promise<unknown> {
    switch (String(await this.#redis.type(name))) {
      case 'string':
        return this.#redis.sendCommand(['GET', name]);
      case 'hash':
        return this.#redis.sendCommand(['HGETALL', name]);
      case 'zset':
        return this.#redis.sendCommand(['ZRANGE', name, '0', '-1', 'WITHSCORES']);
      case 'set':
        return this.#redis.sendCommand(['SMEMBERS', name]);
      case 'list':
        return this.#redis.sendCommand(['LRANGE', name, '0', '-1']);
      case 'none':
        return undefined;
      case 'stream':
        return this.#redis.sendCommand(['XRANGE', name, '-', '+']);
      default:
        throw new Error(`${name} has a type that nobody reads here`);
    }
  }
}

function redisClient(url: string) {
  return createClient({ url, commandOptions: { typeMapping: { [RESP_TYPES.BLOB_STRING]: Buffer } } });
}

/** All that a value holds, one after the other, as bytes. */
function bytesOf(value: unknown): Buffer {
  if (value === null || value === undefined) return Buffer.alloc(0);
  if (value instanceof Uint8Array) return Buffer.from(value);
  if (Array.isArray(value)) return Buffer.concat(value.map(bytesOf));
  if (value instanceof Map) return Buffer.concat([...value].flat().map(bytesOf));
  if (value instanceof cassandra.types.Uuid || typeof value !== 'object') return Buffer.from(`${value} `);
  if (value instanceof Date) return Buffer.from(`${value.getTime()} `);
  return Buffer.concat(Object.entries(value).flat().map(bytesOf));
}
