import { randomBytes } from 'node:crypto';
import { Client } from 'cassandra-driver';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ClusterSettings, type Settings } from '../test/cluster-settings.ts';
import { CassandraDatabase } from './adapters/cassandra/cassandra-database.ts';
import { silentLogger } from './adapters/memory/silent-logger.ts';
import { marksOf, readClusterKeys } from './cluster-keys.ts';
import type { RelayConfig } from './config/relay-config.ts';
import { migrateCluster } from './migrate-cluster.ts';
import { openEngines } from './open-engines.ts';
import { systemClock } from './platform/system-clock.ts';
import { systemRandomness } from './platform/system-randomness.ts';
import { systemTimers } from './platform/system-timers.ts';
import { RelayError } from './relay-error.ts';

async function migrated(config: RelayConfig): Promise<readonly string[]> {
  const lines: string[] = [];
  await migrateCluster(config, { clock: systemClock, say: (line) => lines.push(line) });
  return lines;
}

async function opened(config: RelayConfig) {
  const marks = marksOf(await readClusterKeys(config.cluster), systemClock);
  const platform = { clock: systemClock, timers: systemTimers, randomness: systemRandomness, logger: silentLogger };
  return openEngines(config, { ...platform, marks });
}

async function refusal(work: Promise<unknown>): Promise<{ readonly code: string; readonly message: string }> {
  try {
    await work;
  } catch (error) {
    if (error instanceof RelayError) return { code: error.code, message: error.message };
    throw error;
  }
  return { code: 'none', message: '' };
}

async function hasKeyspace(settings: ClusterSettings): Promise<boolean> {
  const { contactPoints, port, localDataCenter } = settings.config().cassandra;
  const client = new Client({ contactPoints: [...contactPoints], protocolOptions: { port }, localDataCenter });
  try {
    const asked = 'SELECT keyspace_name FROM system_schema.keyspaces WHERE keyspace_name = ?';
    return (await client.execute(asked, [settings.keyspace])).rowLength > 0;
  } finally {
    await client.shutdown();
  }
}

describe('what is not there yet', () => {
  let settings: ClusterSettings;
  beforeAll(async () => {
    settings = await ClusterSettings.make();
  });
  afterAll(() => settings[Symbol.asyncDispose]());

  it('is not made by opening, which says what to do', async () => {
    const { code, message } = await refusal(opened(settings.config()));
    expect(code).toBe('config-invalid');
    expect(message).toContain('run `sotto-relay migrate`');
    expect(await settings.topics()).toEqual([]);
  });

  it('is not begun when Kafka has fewer brokers than replicas are asked for', async () => {
    const { code, message } = await refusal(migrated(settings.config({ kafka: { replicas: 9 } })));
    expect(code).toBe('config-invalid');
    expect(message).toMatch(/^Kafka has \d brokers?, and would refuse .* on 9 brokers each.*`kafka.replicas`/);
    expect(await settings.topics()).toEqual([]);
    expect(await hasKeyspace(settings)).toBe(false);
  });

  it('is made once: a second time says that it is there', async () => {
    const first = await migrated(settings.config());
    const second = await migrated(settings.config());
    const topics = ['attachment', 'group_message', 'poison_message', 'user2user_message'];
    expect(await settings.topics()).toEqual(topics.map((topic) => `${settings.prefix}.${topic}`));
    const about = 'partitions: 6, kept for 30 days';
    for (const topic of await settings.topics()) {
      expect(first).toContain(`Kafka: made the topic ${topic}, ${about}`);
      expect(second).toContain(`Kafka: the topic ${topic} is there, ${about}`);
    }
    const { keyspace } = settings;
    expect(first[0]).toMatch(new RegExp(`^Cassandra: made the keyspace ${keyspace}, replicas: 1 in `));
    expect(second[0]).toMatch(new RegExp(`^Cassandra: the keyspace ${keyspace} is there, replicas: 1 in `));
    expect(first.filter((line) => /brought the tables|noted|made the bucket/.test(line)).length).toBe(6);
    expect(second.filter((line) => /made the|brought|noted/.test(line))).toEqual([]);
    expect(second.length).toBe(first.length);
  });
});

describe('what is there', () => {
  let settings: ClusterSettings;
  beforeAll(async () => {
    settings = await ClusterSettings.make();
    await migrated(settings.config());
  });
  afterAll(() => settings[Symbol.asyncDispose]());

  it('is opened, and each engine answers what it is asked', async () => {
    const engines = await opened(settings.config());
    expect(engines.checks.map(({ engine }) => engine)).toEqual(['Kafka', 'Cassandra', 'Redis', 'S3']);
    for (const { check } of engines.checks) await check();
    const end = systemClock.now() + 60_000;
    await engines.nodes.announce('node:1/a', end);
    expect(await engines.nodes.others('node:1/b', systemClock.now())).toEqual(['node:1/a']);
    expect(await engines.stores.accounts.byNumbers([])).toEqual([]);
    await engines.stores.blobs.put('avatars/a', new Uint8Array([1]));
    expect(await engines.stores.blobs.get('avatars/a')).toEqual(new Uint8Array([1]));
    await Promise.all([engines.close(), engines.close()]);
  });

  const wrong: readonly (readonly [string, () => Settings | Promise<Settings>, string, string])[] = [
    ['another number of partitions', () => ({ kafka: { partitions: 7 } }), 'config-invalid', 'has 6 partitions, and 7'],
    ['another name', () => ({ cluster: { name: 'other' } }), 'config-invalid', 'was made as `sotto`'],
    ['another relay key', otherKey, 'config-invalid', '`cluster.relayKeyFile` holds another key'],
    ['a trust root', otherRoot, 'config-invalid', '`cluster.trustRootFile` is another trust root'],
    ['a relay key that is too short', shortKey, 'config-invalid', 'has 31 bytes, and has to have 32'],
    ['no relay key', () => ({ cluster: { relayKeyFile: '/nowhere' } }), 'config-invalid', 'head -c 32 /dev/urandom'],
    ['a data centre that is not there', otherPlace, 'config-invalid', 'Cassandra has no data centre `mars`: it has '],
    ['no broker', () => ({ kafka: { brokers: ['127.0.0.1:1'] } }), 'store-unavailable', 'Kafka can not be reached'],
    ['no Cassandra', () => ({ cassandra: { port: 1 } }), 'store-unavailable', "can't use its Cassandra cluster"],
    ['no bucket', () => s3({ endpoint: 'http://127.0.0.1:1' }), 'store-unavailable', "can't use its object store"],
    ['a wrong secret of the bucket', () => s3({ secretAccessKey: 'wrong' }), 'config-invalid', 'object store refuses'],
    ['a password for Kafka without need', sasl, 'config-invalid', 'Kafka refuses this relay'],
  ];
  const s3 = (change: Settings) => ({ blobs: { s3: change } });
  async function otherKey(): Promise<Settings> {
    return { cluster: { relayKeyFile: await settings.write('other.key', randomBytes(32)) } };
  }
  async function otherRoot(): Promise<Settings> {
    return { cluster: { trustRootFile: await settings.write('root.key', randomBytes(32)) } };
  }
  async function shortKey(): Promise<Settings> {
    return { cluster: { relayKeyFile: await settings.write('short.key', randomBytes(31)) } };
  }
  function otherPlace(): Settings {
    return { cassandra: { localDataCenter: 'mars', replication: [] } };
  }
  function sasl(): Settings {
    return { kafka: { sasl: { mechanism: 'PLAIN', username: 'relay', password: 'wrong' } } };
  }

  it.each(wrong)('is neither opened nor migrated with %s', async (_, change, code, part) => {
    const config = settings.config(await change());
    for (const work of [opened, migrated]) {
      const refused = await refusal(work(config));
      expect(refused.message).toContain(part);
      expect(refused.code).toBe(code);
    }
    await (await opened(settings.config())).close();
  });

  it.each([
    ['no Redis', { url: 'redis://127.0.0.1:1' }, 'store-unavailable', "can't use its Redis"],
    ['a wrong password of Redis', { password: 'wrong' }, 'config-invalid', 'Redis refuses this relay'],
  ])('is not opened with %s, of which migrating needs nothing', async (_, redis, code, part) => {
    const { url } = settings.config().redis;
    const config = settings.config({ redis: { url: url.replace(/:[^:@]*@/, ':@'), ...redis } });
    const refused = await refusal(opened(config));
    expect(refused.message).toContain(part);
    expect(refused.code).toBe(code);
    expect((await migrated(config)).length).toBeGreaterThan(0);
  });

  it('is not touched when a later version was here', async () => {
    const { contactPoints, port, localDataCenter, keyspace } = settings.config().cassandra;
    const database = await CassandraDatabase.open({ contactPoints, port, localDataCenter, keyspace });
    const setVersion = (version: number) =>
      database.write("UPDATE schema_version SET version = ? WHERE scope = 'relay' AND area = 'pending'", [version]);
    await setVersion(1_000);
    for (const work of [opened, migrated]) {
      const refused = await refusal(work(settings.config()));
      expect(refused.code).toBe('store-newer');
      expect(refused.message).toContain('run that version or a later one');
    }
    await setVersion(1);
    const refused = await refusal(opened(settings.config()));
    expect(refused).toMatchObject({ code: 'config-invalid', message: expect.stringContaining('migrate') });
    await migrated(settings.config());
    await (await opened(settings.config())).close();
    await database.close();
  });
});
