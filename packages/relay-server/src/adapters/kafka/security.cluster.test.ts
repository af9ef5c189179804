import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { runningEngines } from '../../../test/engines.ts';
import { refusalOf } from '../../conformance/harness.ts';
import { bytes } from '../../conformance/log-world.ts';
import type { KafkaOptions, KafkaSasl } from './kafka-options.ts';
import { KafkaMailLog } from './mail-log.ts';
import { makeLogTopics } from './topics.ts';

const times = { connectTimeoutMs: 2000, requestTimeoutMs: 3000 };

async function appended(kafka: KafkaOptions): Promise<number> {
  const topic = `sotto-test-${randomUUID()}`;
  await makeLogTopics({ kafka, topics: [topic], partitions: 1, replication: 1, minInSync: 1 });
  const log = new KafkaMailLog({ kafka });
  const { offset } = await log.append(topic, bytes('key'), bytes('value'));
  await log.close();
  return offset;
}

const { plain, tls, ca, username, password } = runningEngines().kafka.secured;
const sasl = (mechanism: KafkaSasl['mechanism']) => ({ mechanism, username, password });
const trusted = { ca: readFileSync(ca) };

describe('Kafka with SASL and TLS', () => {
  it.each(['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'] as const)('lets a relay in by %s', async (mechanism) => {
    expect(await appended({ brokers: plain, sasl: sasl(mechanism), ...times })).toBe(0);
  });

  it('lets a relay in over TLS', async () => {
    expect(await appended({ brokers: tls, tls: trusted, sasl: sasl('SCRAM-SHA-512'), ...times })).toBe(0);
  });

  it.each(['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'] as const)('refuses a wrong password by %s', async (mechanism) => {
    const kafka = { brokers: plain, sasl: { ...sasl(mechanism), password: 'wrong' }, ...times };
    const log = new KafkaMailLog({ kafka });
    const handlers = {
      assigned: () => undefined,
      revoked: () => Promise.resolve(),
      records: () => Promise.resolve(),
      skipped: () => undefined,
      failed: () => undefined,
    };
    const outcomes = await Promise.all([
      refusalOf(log.append('nothing', bytes('key'), bytes('value'))),
      refusalOf(log.describe('nothing')),
      refusalOf(log.consume({ group: 'nobody', topics: ['nothing'], maxRecords: 1, drainMs: 1 }, handlers)),
      refusalOf(makeLogTopics({ kafka, topics: ['nothing'] })),
    ]);
    expect(outcomes).toEqual([...Array(3).fill('store-unavailable'), 'config-invalid']);
    await log.close();
  });

  it('refuses a mechanism that the broker has not got', async () => {
    const kafka = { brokers: tls, tls: trusted, sasl: sasl('PLAIN'), ...times };
    expect(await refusalOf(appended(kafka))).toBe('config-invalid');
  });

  it('does not trust a certificate of an unknown authority', async () => {
    const kafka = { brokers: tls, tls: {}, sasl: sasl('SCRAM-SHA-512'), ...times };
    expect(await refusalOf(appended(kafka))).toBe('config-invalid');
  });

  it('is not reached without saying who comes, or over TLS where there is none', async () => {
    expect(await refusalOf(appended({ brokers: plain, ...times }))).toBe('store-unavailable');
    const outcome = await refusalOf(appended({ brokers: plain, tls: trusted, sasl: sasl('PLAIN'), ...times }));
    expect(['config-invalid', 'store-unavailable'].includes(`${outcome}`)).toBe(true);
  });
});
