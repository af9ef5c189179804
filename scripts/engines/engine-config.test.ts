import { describe, expect, it } from 'vitest';
import { cassandraConfig, moduleFlags } from './cassandra/cassandra-config.ts';
import { defaultShape, type EngineMember, type EngineShape, membersOf } from './engine-shape.ts';
import { kafkaConfig } from './kafka/kafka-config.ts';
import { redisConfig } from './redis/redis-config.ts';

const three: EngineShape = { ...defaultShape, brokers: 3, nodes: 3, retentionMs: 60_000 };

function member(shape: EngineShape, name: string): EngineMember {
  const found = membersOf(shape).find((one) => one.name === name);
  if (found === undefined) throw new Error(`there is no ${name}`);
  return found;
}

/** The lines of a configuration, as what stands before and behind the first `separator`. */
function lines(config: string, separator: string): Record<string, string> {
  const pairs = config.trimEnd().split('\n');
  return Object.fromEntries(
    pairs.map((line) => {
      const at = line.indexOf(separator);
      return [line.slice(0, at), line.slice(at + separator.length)];
    }),
  );
}

describe('server.properties of Kafka', () => {
  const broker = (shape: EngineShape, name: string) =>
    lines(kafkaConfig(member(shape, name), membersOf(shape), made(shape), `/data/${name}`, '/key.p12'), '=');
  const made = (shape: EngineShape) => ({ shape, kafkaPassword: 'word', kafkaStorePassword: 'store' });

  it('of one broker needs no other', () => {
    expect(broker(defaultShape, 'kafka-1')).toMatchObject({
      'node.id': '1',
      'controller.quorum.voters': '1@127.0.0.1:19093',
      'default.replication.factor': '1',
      'min.insync.replicas': '1',
      'offsets.topic.replication.factor': '1',
      'transaction.state.log.replication.factor': '1',
      'log.retention.ms': '604800000',
      'log.dirs': '/data/kafka-1',
    });
  });

  it('of three writes to two before it answers', () => {
    expect(broker(three, 'kafka-2')).toMatchObject({
      'node.id': '2',
      'controller.quorum.voters': '1@127.0.0.1:19093,2@127.0.0.1:19095,3@127.0.0.1:19097',
      listeners:
        'PLAINTEXT://127.0.0.1:19094,SASL://127.0.0.1:19104,TLS://127.0.0.1:19105,CONTROLLER://127.0.0.1:19095',
      'advertised.listeners': 'PLAINTEXT://127.0.0.1:19094,SASL://127.0.0.1:19104,TLS://127.0.0.1:19105',
      'default.replication.factor': '3',
      'min.insync.replicas': '2',
      'offsets.topic.replication.factor': '3',
      'log.retention.ms': '60000',
    });
  });

  it('makes no topic by itself, elects none that lacks records, and looks for what expired each second', () => {
    expect(broker(three, 'kafka-1')).toMatchObject({
      'auto.create.topics.enable': 'false',
      'unclean.leader.election.enable': 'false',
      'log.retention.check.interval.ms': '1000',
      'log.initial.task.delay.ms': '1000',
      'log.segment.delete.delay.ms': '1000',
    });
  });

  it('lets in who knows the password, by PLAIN and SCRAM, and over TLS by one SCRAM alone', () => {
    expect(broker(three, 'kafka-1')).toMatchObject({
      'listener.name.sasl.sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512',
      'listener.name.sasl.plain.sasl.jaas.config': expect.stringContaining('user_relay="word";'),
      'listener.name.tls.sasl.enabled.mechanisms': 'SCRAM-SHA-512',
      'listener.name.tls.ssl.keystore.location': '/key.p12',
      'listener.name.tls.ssl.keystore.password': 'store',
      'inter.broker.listener.name': 'PLAINTEXT',
    });
  });

  it('tells clients who come through a proxy to come there again', () => {
    expect(broker({ ...three, isProxied: true }, 'kafka-2')).toMatchObject({
      listeners: expect.stringContaining(',PROXIED://127.0.0.1:19122,'),
      'advertised.listeners': expect.stringMatching(/,PROXIED:\/\/127\.0\.1\.2:19122$/),
    });
    expect(broker(three, 'kafka-2').listeners).not.toContain('PROXIED');
  });

  it('listens on the loopback alone', () => {
    const { listeners = '' } = broker(three, 'kafka-3');
    for (const listener of listeners.split(',')) expect(listener).toMatch(/^[A-Z]+:\/\/127\.0\.0\.1:\d+$/);
  });
});

describe('cassandra.yaml', () => {
  const node = (name: string) => lines(cassandraConfig(member(three, name), three), ': ');

  it('of a node has its own addresses, and the first one for a seed', () => {
    expect(node('cassandra-3')).toMatchObject({
      listen_address: '"127.0.0.3"',
      rpc_address: '"127.0.0.3"',
      storage_port: '19700',
      native_transport_port: '19042',
      allocate_tokens_for_local_replication_factor: '3',
    });
    expect(JSON.parse(node('cassandra-3').seed_provider ?? '')).toEqual([
      {
        class_name: 'org.apache.cassandra.locator.SimpleSeedProvider',
        parameters: [{ seeds: '127.0.0.1:19700' }],
      },
    ]);
  });

  it('tells clients of its own address, or of that of the proxy before it', () => {
    expect(node('cassandra-3')).toMatchObject({ broadcast_rpc_address: '"127.0.0.3"' });
    const proxied = { ...three, isProxied: true };
    const config = lines(cassandraConfig(member(proxied, 'cassandra-3'), proxied), ': ');
    expect(config).toMatchObject({ rpc_address: '"127.0.0.3"', broadcast_rpc_address: '"127.0.1.3"' });
  });

  it('has a write on the disk before it is answered, and keeps nothing of what was dropped', () => {
    expect(node('cassandra-1')).toMatchObject({ commitlog_sync: '"batch"', auto_snapshot: 'false' });
  });

  it('is started with its module flags in pairs', () => {
    const at = moduleFlags.indexOf('--add-opens');
    expect(moduleFlags[at + 1]).toBe('java.base/java.io=ALL-UNNAMED');
    expect(moduleFlags.filter((flag) => flag.endsWith('=ALL-UNNAMED'))).toHaveLength(23);
  });
});

describe('redis.conf', () => {
  const config = redisConfig(member(defaultShape, 'redis'), 'word', '/a "b"\\c').split('\n');

  it('asks for the password, on the loopback alone', () => {
    expect(config).toEqual(expect.arrayContaining(['requirepass word', 'bind 127.0.0.1', 'port 19379']));
  });

  it('writes nothing down, and lets nothing go to make room', () => {
    expect(config).toEqual(expect.arrayContaining(['save ""', 'appendonly no', 'maxmemory-policy noeviction']));
  });

  it('quotes the folder', () => {
    expect(config).toContain('dir "/a \\"b\\"\\\\c"');
  });
});
