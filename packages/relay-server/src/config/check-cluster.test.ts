import { describe, expect, it } from 'vitest';
import { RelayError } from '../relay-error.ts';
import { loadConfig } from './load-config.ts';

const whole = {
  store: 'cluster',
  cluster: {
    host: 'node-1.example',
    certificateFile: 'node.pem',
    certificateKeyFile: 'node-key.pem',
    authorityFile: 'authority.pem',
    relayKeyFile: 'relay.key',
  },
  kafka: { brokers: ['kafka-1.example:9092', '[fd00::1]:9092'] },
  cassandra: { contactPoints: ['10.0.0.1', 'fd00::2'], localDataCenter: 'here' },
  redis: { url: 'redis://redis.example:6379' },
  blobs: { store: 's3', s3: { bucket: 'sotto' } },
};

function refusal(value: object, environment = {}): string {
  try {
    loadConfig({ file: { path: 'relay.json', text: JSON.stringify(value) }, environment });
  } catch (error) {
    if (error instanceof RelayError && error.code === 'config-invalid') return error.message;
    throw error;
  }
  return 'taken';
}

describe('the settings of a cluster', () => {
  it('are taken when they are whole', () => {
    const config = loadConfig({ file: { path: 'relay.json', text: JSON.stringify(whole) } });
    expect(config.store).toBe('cluster');
    expect(config.kafka).toMatchObject({ partitions: 64, replicas: 3, topicKey: 'recipient', topicPrefix: '' });
    expect(config.kafka.sasl.mechanism).toBe('none');
    expect(config.cassandra).toMatchObject({ port: 9042, keyspace: 'sotto', replication: [] });
    expect(config.cluster).toMatchObject({ name: 'sotto', port: 8443, listen: '0.0.0.0' });
  });

  it('are all named that are missing', () => {
    const message = refusal({ store: 'cluster', blobs: whole.blobs });
    expect(
      message.startsWith('relay.json: `store` is `cluster`: set `cluster.host` (how other nodes reach this one),'),
    ).toBe(true);
    for (const name of [
      'cluster.certificateFile',
      'cluster.relayKeyFile',
      'kafka.brokers',
      'cassandra.localDataCenter',
    ]) {
      expect(message).toContain(`\`${name}\``);
    }
    expect(message.endsWith('and `redis.url` (like `redis://redis.example:6379`) too.')).toBe(true);
    const { url: _, ...redis } = whole.redis;
    expect(refusal({ ...whole, redis })).toBe(
      'relay.json: `store` is `cluster`: set `redis.url` (like `redis://redis.example:6379`) too.',
    );
  });

  it('want a bucket, since all nodes need the same files', () => {
    expect(refusal({ ...whole, blobs: {} })).toBe(
      'relay.json: `store` is `cluster`: set `blobs.store` to `s3`, since all nodes need the same files.',
    );
  });

  it.each([
    [{ kafka: { ...whole.kafka, sasl: { username: 'relay', password: 'hidden' } } }, 'set `kafka.sasl.mechanism` too'],
    [{ kafka: { ...whole.kafka, sasl: { mechanism: 'PLAIN', username: 'a' } } }, '`kafka.sasl.password` too'],
    [{ cassandra: { ...whole.cassandra, password: 'hidden' } }, 'both, or neither'],
    [{ cassandra: { ...whole.cassandra, replication: ['there:3'] } }, 'name `cassandra.localDataCenter` too'],
    [{ cassandra: { ...whole.cassandra, replication: ['here:3', 'here:2'] } }, 'each data centre once'],
    [{ redis: { url: 'http://redis.example' } }, '`redis.url` has to be an address like'],
    [{ redis: { url: 'redis://:hidden@redis.example', password: 'hidden' } }, 'not in both'],
    [{ redis: { ...whole.redis, authorityFile: 'a.pem' } }, 'set `redis.url` to begin with `rediss://`, or leave'],
    [{ kafka: { ...whole.kafka, authorityFile: 'a.pem' } }, 'set `kafka.tls` to `true`, or leave it out'],
    [{ cassandra: { ...whole.cassandra, authorityFile: 'a.pem' } }, 'set `cassandra.tls` to `true`'],
  ])('are refused with %j, without a secret in the sentence', (change, part) => {
    const message = refusal({ ...whole, ...change });
    expect(message).toContain(part);
    expect(message).not.toContain('hidden');
    expect(refusal({ ...whole, ...change, store: 'embedded' })).toBe('taken');
  });

  it('say where the wrong one came from', () => {
    const environment = { SOTTO_REDIS_URL: 'mailto:redis' };
    expect(refusal(whole, environment)).toContain('environment variable SOTTO_REDIS_URL: `redis.url`');
  });
});
