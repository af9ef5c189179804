import { randomBytes } from 'node:crypto';
import {
  CreateBucketCommand,
  DeleteBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { Admin, ListOffsetTimestamps, Producer, stringSerializers } from '@platformatic/kafka';
import { Client, types } from 'cassandra-driver';
import { createClient } from 'redis';
import { describe, expect, it } from 'vitest';
import { runningEngines } from './engines.ts';

// What the relay's adapters take for granted of the engines that they are tested on.

const engines = runningEngines();
const name = `engines-${randomBytes(8).toString('hex')}`;

describe('Kafka', () => {
  it('lets records go by the setting of their topic, seconds after they have expired, the newest included', async () => {
    const options = { clientId: name, bootstrapBrokers: [...engines.kafka.brokers] };
    const admin = new Admin(options);
    const producer = new Producer({ ...options, serializers: stringSerializers });
    const configs = Object.entries({
      'message.timestamp.type': 'LogAppendTime',
      'segment.ms': '3600000',
      'retention.ms': '2000',
    }).map(([key, value]) => ({ name: key, value }));
    const first = async (topic: string) => {
      const asked = [{ name: topic, partitions: [{ partitionIndex: 0, timestamp: ListOffsetTimestamps.EARLIEST }] }];
      const [found] = await admin.listOffsets({ topics: asked });
      return found?.partitions[0]?.offset;
    };
    try {
      await admin.createTopics({ topics: [`${name}-short`], partitions: 1, replicas: 1, configs });
      await admin.createTopics({ topics: [`${name}-long`], partitions: 1, replicas: 1 });
      const messages = [`${name}-short`, `${name}-long`].map((topic) => ({ topic, value: 'record' }));
      await producer.send({ messages, acks: -1 });
      await expect.poll(() => first(`${name}-short`), { timeout: 60_000 }).toBe(1n);
      expect(await first(`${name}-long`)).toBe(0n);
    } finally {
      await admin.deleteTopics({ topics: [`${name}-short`, `${name}-long`] });
      await producer.close();
      await admin.close();
    }
  });
});

describe('Cassandra', () => {
  it('lets one of several win that write under a condition at once', async () => {
    const { contactPoints, port, localDataCenter } = engines.cassandra;
    const keyspace = name.replaceAll('-', '_');
    const cassandra = new Client({ contactPoints: [...contactPoints], protocolOptions: { port }, localDataCenter });
    await cassandra.connect();
    try {
      const replication = `{'class': 'NetworkTopologyStrategy', '${localDataCenter}': ${contactPoints.length}}`;
      await cassandra.execute(`CREATE KEYSPACE ${keyspace} WITH replication = ${replication}`);
      await cassandra.execute(`CREATE TABLE ${keyspace}.winner (id int PRIMARY KEY, who int)`);
      const options = {
        prepare: true,
        consistency: types.consistencies.localQuorum,
        serialConsistency: types.consistencies.localSerial,
      };
      const insert = `INSERT INTO ${keyspace}.winner (id, who) VALUES (1, ?) IF NOT EXISTS`;
      const all = [1, 2, 3, 4];
      const results = await Promise.all(all.map((who) => cassandra.execute(insert, [who], options)));
      const winners = all.filter((_, at) => results[at]?.wasApplied());
      expect(winners).toHaveLength(1);
      const { rows } = await cassandra.execute(`SELECT who FROM ${keyspace}.winner WHERE id = 1`, [], options);
      expect(rows[0]?.who).toBe(winners[0]);
    } finally {
      await cassandra.execute(`DROP KEYSPACE IF EXISTS ${keyspace}`);
      await cassandra.shutdown();
    }
  });
});

describe('Redis', () => {
  it('answers whoever has the password, and nobody else', async () => {
    const client = createClient({ url: engines.redis.url, socket: { reconnectStrategy: false } });
    await client.connect();
    expect(await client.set(name, 'value', { condition: 'NX', expiration: { type: 'PX', value: 60_000 } })).toBe('OK');
    expect(await client.set(name, 'other', { condition: 'NX' })).toBeNull();
    expect(await client.del(name)).toBe(1);
    client.destroy();
    const stranger = new URL(engines.redis.url);
    stranger.password = '';
    const refused = createClient({ url: stranger.href, socket: { reconnectStrategy: false } });
    refused.on('error', () => undefined);
    await expect(refused.connect().then(() => refused.ping())).rejects.toThrow('NOAUTH');
    refused.destroy();
  });
});

describe('the S3 server', () => {
  it('gives back the bytes that were put, until they are deleted', async () => {
    const { endpoint, region, ...credentials } = engines.s3;
    const client = new S3Client({ endpoint, region, credentials, forcePathStyle: true });
    const bytes = randomBytes(300_000);
    const object = { Bucket: name, Key: 'folder/object' };
    await client.send(new CreateBucketCommand({ Bucket: name }));
    try {
      await client.send(new PutObjectCommand({ ...object, Body: bytes }));
      const { Body } = await client.send(new GetObjectCommand(object));
      expect(Buffer.from((await Body?.transformToByteArray()) ?? []).equals(bytes)).toBe(true);
      await client.send(new DeleteObjectCommand(object));
      await expect(client.send(new HeadObjectCommand(object))).rejects.toMatchObject({ name: 'NotFound' });
    } finally {
      await client.send(new DeleteBucketCommand({ Bucket: name }));
      client.destroy();
    }
  });
});
