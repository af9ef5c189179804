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
    lines(kafkaConfig(member(shape, name), membersOf(shape), shape, `/data/${name}`), '=');

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
      listeners: 'PLAINTEXT://127.0.0.1:19094,CONTROLLER://127.0.0.1:19095',
      'advertised.listeners': 'PLAINTEXT://127.0.0.1:19094',
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
