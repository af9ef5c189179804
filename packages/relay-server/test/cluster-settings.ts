import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DeleteBucketCommand, DeleteObjectCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import { Admin } from '@platformatic/kafka';
import { TestKeyspace } from '../src/adapters/cassandra/cassandra-keyspace.ts';
import { removeKeys } from '../src/adapters/redis/redis-harness.ts';
import { loadConfig } from '../src/config/load-config.ts';
import type { RelayConfig } from '../src/config/relay-config.ts';
import { TestAuthority } from './certificates.ts';
import { runningEngines } from './engines.ts';

/** Sections of a config file. */
export type Settings = Readonly<Record<string, unknown>>;

/** The settings of a cluster on the engines that run, with keyspace, topics, keys and bucket that nobody else has; nothing is made yet. */
export class ClusterSettings implements AsyncDisposable {
  /** With the files that the settings name. */
  readonly folder: string;
  readonly keyspace = `test_${randomBytes(8).toString('hex')}`;
  readonly prefix = `test-${randomBytes(8).toString('hex')}`;
  readonly #settings: Settings;

  private constructor(folder: string) {
    const { kafka, cassandra, redis, s3 } = runningEngines();
    const { contactPoints, port, localDataCenter } = cassandra;
    const { endpoint, region, accessKeyId, secretAccessKey } = s3;
    this.folder = folder;
    this.#settings = {
      store: 'cluster',
      port: 0,
      cluster: {
        host: 'localhost',
        port: 0,
        listen: '127.0.0.1',
        certificateFile: join(folder, 'node.pem'),
        certificateKeyFile: join(folder, 'node-key.pem'),
        authorityFile: join(folder, 'authority.pem'),
        relayKeyFile: join(folder, 'relay.key'),
      },
      kafka: { brokers: kafka.brokers, topicPrefix: `${this.prefix}.`, partitions: 6, replicas: 1 },
      cassandra: {
        contactPoints,
        port,
        localDataCenter,
        keyspace: this.keyspace,
        replication: [`${localDataCenter}:1`],
      },
      redis: { url: redis.url, prefix: this.prefix },
      blobs: { store: 's3', s3: { endpoint, region, bucket: this.prefix, accessKeyId, secretAccessKey } },
    };
  }

  static async make(): Promise<ClusterSettings> {
    const settings = new ClusterSettings(await mkdtemp(join(tmpdir(), 'sotto-cluster-')));
    const authority = new TestAuthority();
    const { certificate, key } = authority.issue();
    await settings.write('authority.pem', authority.certificate);
    await settings.write('node.pem', certificate);
    await settings.write('node-key.pem', key);
    await settings.write('relay.key', randomBytes(32));
    return settings;
  }

  /** Gives the path. */
  async write(name: string, content: string | Uint8Array): Promise<string> {
    const path = join(this.folder, name);
    await writeFile(path, content, { mode: 0o600 });
    return path;
  }

  /** What a config file holds; what is given takes the place of single settings. */
  file(change: Settings = {}): Settings {
    return merged(this.#settings, change);
  }

  /** The same, read. */
  config(change: Settings = {}): RelayConfig {
    return loadConfig({ file: { path: 'relay.json', text: JSON.stringify(this.file(change)) } });
  }

  /** The topics that there are. */
  async topics(): Promise<readonly string[]> {
    const admin = newAdmin();
    try {
      return (await admin.listTopics()).filter((topic) => topic.startsWith(this.prefix)).sort();
    } finally {
      await admin.close();
    }
  }

  /** Removes what was made. */
  async [Symbol.asyncDispose](): Promise<void> {
    const { cassandra, redis } = runningEngines();
    await TestKeyspace.dropped({ ...cassandra, keyspace: this.keyspace });
    await removeKeys(redis.url, this.prefix);
    const topics = [...(await this.topics())];
    const admin = newAdmin();
    if (topics.length > 0) await admin.deleteTopics({ topics });
    const groups = [...(await admin.listGroups()).keys()].filter((group) => group.startsWith(this.prefix));
    // Of nodes that were killed the group still waits for some.
    for (const groupId of groups) await admin.removeMembersFromConsumerGroup({ groupId });
    if (groups.length > 0) await admin.deleteGroups({ groups });
    await admin.close();
    await this.#removeBucket();
    await rm(this.folder, { recursive: true });
  }

  async #removeBucket(): Promise<void> {
    const { endpoint, region, ...credentials } = runningEngines().s3;
    const client = new S3Client({ endpoint, region, credentials, forcePathStyle: true });
    const bucket = { Bucket: this.prefix };
    try {
      const { Contents = [] } = await client.send(new ListObjectsV2Command(bucket));
      for (const { Key } of Contents) await client.send(new DeleteObjectCommand({ ...bucket, Key }));
      await client.send(new DeleteBucketCommand(bucket));
    } catch (error) {
      if (!(error instanceof Error && error.name === 'NoSuchBucket')) throw error;
    } finally {
      client.destroy();
    }
  }
}

function newAdmin(): Admin {
  return new Admin({ clientId: 'sotto-test', bootstrapBrokers: [...runningEngines().kafka.brokers] });
}

function merged(settings: Settings, change: Settings): Settings {
  const all = Object.entries(change).map(([name, value]) => {
    const before = settings[name];
    return [name, isSection(before) && isSection(value) ? merged(before, value) : value];
  });
  return { ...settings, ...Object.fromEntries(all) };
}

function isSection(value: unknown): value is Settings {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
