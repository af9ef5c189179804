import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DeleteBucketCommand, DeleteObjectsCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import { Admin } from '@platformatic/kafka';
import {
  loadConfig,
  marksOf,
  openEngines,
  readClusterKeys,
  systemClock,
  systemRandomness,
  systemTimers,
} from '@sotto/relay-server';
import { silentLogger } from '@sotto/relay-server/memory';
import { Client } from 'cassandra-driver';
import { createClient } from 'redis';
import { TestAuthority } from '../../packages/relay-server/test/certificates.ts';
import { type Engines, runningEngines } from '../../packages/relay-server/test/engines.ts';
import { addAccounts, type LoadAccount } from './load-account.ts';
import { childArguments, RelayProcess, relayCommand } from './relay-process.ts';
import { TempFolder } from './temp-folder.ts';

const host = '127.0.0.1';
const partitions = 6;
const pageOfKeys = 1_000;

/** A place of its own on engines that run: keyspace, topics, keys, bucket, and what nodes need to know each other. All of it is gone afterwards. */
export class ClusterSite implements AsyncDisposable {
  readonly name = `bench${randomBytes(6).toString('hex')}`;
  readonly folder = new TempFolder();
  readonly engines: Engines = runningEngines();
  readonly cassandra: Client;
  readonly #authority = new TestAuthority();
  readonly #nodes: RelayProcess[] = [];

  private constructor() {
    const { contactPoints, port, localDataCenter } = this.engines.cassandra;
    this.cassandra = new Client({
      contactPoints: [...contactPoints],
      localDataCenter,
      protocolOptions: { port },
      socketOptions: { readTimeout: 60_000 },
    });
  }

  /** Makes what the engines need, with the command that operators use. */
  static async make(): Promise<ClusterSite> {
    const site = new ClusterSite();
    writeFileSync(site.#file('relay.key'), randomBytes(32), { mode: 0o600 });
    writeFileSync(site.#file('authority.pem'), site.#authority.certificate);
    writeFileSync(site.#file('migrate.json'), JSON.stringify(site.config()));
    const args = [...childArguments(), relayCommand, 'migrate', '--config', site.#file('migrate.json')];
    const { status, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
    if (status !== 0) throw new Error(`sotto-relay migrate ended with ${status}: ${stderr.trim()}`);
    await site.cassandra.connect();
    return site;
  }

  /** What a node is given, as in a config file. */
  config(): object {
    const { kafka, cassandra, redis, s3 } = this.engines;
    const { certificate, key } = this.#authority.issue({ hosts: [host] });
    writeFileSync(this.#file('node.pem'), certificate);
    writeFileSync(this.#file('node.key'), key, { mode: 0o600 });
    return {
      store: 'cluster',
      cluster: {
        name: this.name,
        host,
        port: 0,
        listen: host,
        certificateFile: this.#file('node.pem'),
        certificateKeyFile: this.#file('node.key'),
        authorityFile: this.#file('authority.pem'),
        relayKeyFile: this.#file('relay.key'),
      },
      kafka: { brokers: kafka.brokers, topicPrefix: `${this.name}.`, partitions, replicas: 1 },
      cassandra: { ...cassandra, keyspace: this.name, replication: [`${cassandra.localDataCenter}:1`] },
      redis: { url: redis.url, prefix: this.name },
      blobs: { store: 's3', s3: { ...s3, bucket: this.name, prefix: 'sotto/' } },
    };
  }

  /** One more node; resolves when it listens. */
  async start(): Promise<RelayProcess> {
    const data = this.#file(`node-${this.#nodes.length + 1}`);
    mkdirSync(data);
    const node = await RelayProcess.start(data, { limits: 'lifted', config: this.config() });
    this.#nodes.push(node);
    return node;
  }

  /** A topic beside those of the relay, with as many partitions. */
  async makeTopic(name: string): Promise<string> {
    const topic = `${this.name}.${name}`;
    await this.#administer((admin) => admin.createTopics({ topics: [topic], partitions, replicas: 1 }));
    return topic;
  }

  /** How many writes these tables have taken since the engine began, as it counts them itself (`system_views.local_write_latency`). */
  async cassandraWrites(tables: readonly string[]): Promise<number> {
    const { rows } = await this.cassandra.execute('SELECT * FROM system_views.local_write_latency');
    const own = rows.filter((row) => row.get('keyspace_name') === this.name);
    return own
      .filter((row) => tables.includes(row.get('table_name')))
      .reduce((sum, row) => sum + Number(row.get('count')), 0);
  }

  /** Accounts with tokens, made as `makeAccounts` makes them. */
  async accounts(count: number): Promise<readonly LoadAccount[]> {
    const config = loadConfig({ file: { path: 'bench.json', text: JSON.stringify(this.config()) } });
    const platform = { clock: systemClock, timers: systemTimers, randomness: systemRandomness, logger: silentLogger };
    const marks = marksOf(await readClusterKeys(config.cluster), systemClock);
    const engines = await openEngines(config, { ...platform, marks });
    try {
      return await addAccounts(engines.stores, count);
    } finally {
      await engines.close();
    }
  }

  /** Ends the nodes, and takes away what they have left. */
  async [Symbol.asyncDispose](): Promise<void> {
    for (const node of this.#nodes) await node[Symbol.asyncDispose]();
    await this.cassandra.execute(`DROP KEYSPACE IF EXISTS ${this.name}`);
    await this.cassandra.shutdown();
    await this.#administer(async (admin) => {
      const topics = (await admin.listTopics()).filter((topic) => topic.startsWith(`${this.name}.`));
      if (topics.length > 0) await admin.deleteTopics({ topics });
    });
    await this.#dropKeys();
    await this.#dropBucket();
    this.folder[Symbol.dispose]();
  }

  #file(name: string): string {
    return join(this.folder.path, name);
  }

  async #administer(work: (admin: Admin) => Promise<unknown>): Promise<void> {
    const admin = new Admin({ clientId: 'sotto-bench', bootstrapBrokers: [...this.engines.kafka.brokers] });
    try {
      await work(admin);
    } finally {
      await admin.close();
    }
  }

  async #dropKeys(): Promise<void> {
    const client = createClient({ url: this.engines.redis.url });
    await client.connect();
    for await (const keys of client.scanIterator({ MATCH: `${this.name}*`, COUNT: pageOfKeys })) {
      if (keys.length > 0) await client.unlink(keys);
    }
    client.destroy();
  }

  async #dropBucket(): Promise<void> {
    const { endpoint, region, accessKeyId, secretAccessKey } = this.engines.s3;
    const credentials = { accessKeyId, secretAccessKey };
    const client = new S3Client({ endpoint, region, forcePathStyle: true, credentials });
    const bucket = { Bucket: this.name };
    for (;;) {
      const { Contents = [] } = await client.send(new ListObjectsV2Command(bucket));
      if (Contents.length === 0) break;
      await client.send(
        new DeleteObjectsCommand({ ...bucket, Delete: { Objects: Contents.map(({ Key }) => ({ Key })) } }),
      );
    }
    await client.send(new DeleteBucketCommand(bucket));
    client.destroy();
  }
}
