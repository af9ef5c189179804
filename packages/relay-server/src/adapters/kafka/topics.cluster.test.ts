import { randomUUID } from 'node:crypto';
import { Admin, ConfigResourceTypes } from '@platformatic/kafka';
import { afterAll, describe, expect, it } from 'vitest';
import { runningEngines } from '../../../test/engines.ts';
import { KafkaMailLog } from './mail-log.ts';
import { makeLogTopics } from './topics.ts';

const { kafka } = runningEngines();
const admin = new Admin({ clientId: 'sotto-test', bootstrapBrokers: [...kafka.brokers] });
const made: string[] = [];

function newTopic(): string {
  const topic = `sotto-test-${randomUUID()}`;
  made.push(topic);
  return topic;
}

afterAll(async () => {
  const left = (await admin.listTopics()).filter((topic) => made.includes(topic));
  if (left.length > 0) await admin.deleteTopics({ topics: left });
  await admin.close();
});

describe('makeLogTopics', () => {
  const oneBroker = { kafka, replication: 1, minInSync: 1 };

  it('makes each topic once, from several nodes at a time, and gives the same ids to all', async () => {
    const topics = [newTopic(), newTopic(), newTopic()];
    const nodes = await Promise.all(
      Array.from({ length: 5 }, () => makeLogTopics({ ...oneBroker, topics, partitions: 8 })),
    );
    for (const node of nodes) expect(node).toEqual(nodes[0]);
    expect(new Set(nodes[0]?.map(({ topicId }) => topicId)).size).toBe(3);
    expect(await makeLogTopics({ ...oneBroker, topics, partitions: 8 })).toEqual(nodes[0]);
  });

  it('makes 64 partitions, 30 days, hourly segments and the time of the brokers by default', async () => {
    const topic = newTopic();
    const [{ partitions } = { partitions: 0 }] = await makeLogTopics({ ...oneBroker, topics: [topic] });
    expect(partitions).toBe(64);
    const resources = [{ resourceType: ConfigResourceTypes.TOPIC, resourceName: topic, configurationKeys: null }];
    const [described] = await admin.describeConfigs({ resources });
    const settings = new Map(described?.configs.map(({ name, value }) => [name, value]));
    expect(settings.get('retention.ms')).toBe('2592000000');
    expect(settings.get('segment.ms')).toBe('3600000');
    expect(settings.get('message.timestamp.type')).toBe('LogAppendTime');
    expect(settings.get('cleanup.policy')).toBe('delete');
    expect(settings.get('retention.bytes')).toBe('-1');
    expect(settings.get('min.insync.replicas')).toBe('1');
    expect(settings.get('unclean.leader.election.enable')).toBe('false');
    expect(settings.get('max.message.bytes')).toBe('1048588');
    const log = new KafkaMailLog({ kafka });
    expect((await log.describe(topic))?.retentionMs).toBe(2_592_000_000);
    await log.close();
  });

  it('refuses a topic with another number of partitions, and says what to do', async () => {
    const topic = newTopic();
    await makeLogTopics({ ...oneBroker, topics: [topic], partitions: 3 });
    const again = makeLogTopics({ ...oneBroker, topics: [topic], partitions: 4 });
    await expect(again).rejects.toMatchObject({
      code: 'config-invalid',
      message: expect.stringContaining('Configure 3'),
    });
    expect((await makeLogTopics({ ...oneBroker, topics: [topic], partitions: 3 }))[0]?.partitions).toBe(3);
  });

  it('leaves the settings of a topic alone that is there', async () => {
    const topic = newTopic();
    await makeLogTopics({ ...oneBroker, topics: [topic], partitions: 1, retentionMs: 60_000 });
    await makeLogTopics({ ...oneBroker, topics: [topic], partitions: 1 });
    const log = new KafkaMailLog({ kafka });
    expect((await log.describe(topic))?.retentionMs).toBe(60_000);
    await log.close();
  });

  it('says that more brokers are needed than there are', async () => {
    const tooMany = makeLogTopics({ kafka, topics: [newTopic()], partitions: 1, replication: 100 });
    await expect(tooMany).rejects.toMatchObject({ code: 'config-invalid' });
  });
});
