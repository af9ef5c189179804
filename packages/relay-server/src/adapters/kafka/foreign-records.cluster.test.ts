import { randomUUID } from 'node:crypto';
import { Admin, Producer } from '@platformatic/kafka';
import { afterAll, describe, expect, it } from 'vitest';
import { runningEngines } from '../../../test/engines.ts';
import { LogReader } from '../../conformance/log-reader.ts';
import { FetchedOffsets } from '../../dispatch/fetched-offsets.ts';
import { kafkaLogHarness } from './mail-log-harness.ts';

const { kafka } = runningEngines();
const client = { clientId: 'sotto-test', bootstrapBrokers: [...kafka.brokers] };
const key = Buffer.from('somebody');

describe('what others do to the topics of a KafkaMailLog', async () => {
  const { stores, close } = await kafkaLogHarness(kafka).open();
  const { log } = await stores.node();
  const admin = new Admin(client);

  afterAll(async () => {
    await admin.close();
    await close();
  });

  it('offsets have the holes of transactions, and the watermark passes over them', async () => {
    const topic = await stores.makeTopic(1);
    const producer = new Producer({ ...client, idempotent: true, transactionalId: randomUUID(), retries: 5 });
    const messages = ['a', 'b', 'c'].map((text) => ({ topic, key, value: Buffer.from(text), partition: 0 }));
    for (const end of ['commit', 'abort', 'commit'] as const) {
      const transaction = await producer.beginTransaction();
      await transaction.send({ messages: messages.map((message) => ({ ...message })) });
      await transaction[end]();
    }
    await producer.close();
    await log.append(topic, key, Buffer.from('last'));
    const group = stores.newGroup();
    const reader = await LogReader.join(log, { group, topics: [topic] });
    await reader.until(() => reader.texts.includes('last'));
    // Each transaction ends with a control batch that has an offset.
    const offsets = reader.read.map(({ record }) => record.offset);
    expect(offsets).toEqual([0, 1, 2, 4, 5, 6, 8, 9, 10, 12]);
    const progress = new FetchedOffsets();
    for (const offset of offsets) progress.fetched(offset);
    for (const offset of offsets.filter((one) => one !== 8)) progress.resolved(offset);
    expect(progress.watermark()).toBe(8);
    progress.resolved(8);
    expect(await reader.consumer.commit(reader.assignment(), progress.watermark() ?? 0)).toBe('committed');
    const { topicId } = reader.assignment();
    expect(await log.committed(group, topic)).toEqual([{ topicId, partition: 0, offset: 13 }]);
    await reader.consumer.close();
  });

  it('a control batch at the end holds nobody up', async () => {
    const topic = await stores.makeTopic(1);
    const producer = new Producer({ ...client, idempotent: true, transactionalId: randomUUID(), retries: 5 });
    const reader = await LogReader.join(log, { group: stores.newGroup(), topics: [topic] });
    for (const text of ['one', 'two']) {
      const transaction = await producer.beginTransaction();
      await transaction.send({ messages: [{ topic, key, value: Buffer.from(text), partition: 0 }] });
      await transaction.commit();
      await reader.until(() => reader.texts.includes(text));
    }
    await producer.close();
    expect(reader.texts).toEqual(['one', 'two']);
    await reader.consumer.close();
  });

  it('records without key, or of a strange shape, are given as bytes, with the time of the broker', async () => {
    const topic = await stores.makeTopic(1);
    const producer = new Producer(client);
    const [value, timestamp] = [Buffer.from([0xff, 0xfe]), 1000n];
    await producer.send({ messages: [{ topic, value, partition: 0, timestamp }], acks: -1, compression: 'gzip' });
    await producer.close();
    const reader = await LogReader.join(log, { group: stores.newGroup(), topics: [topic] });
    await reader.until(() => reader.read.length === 1);
    const { record } = reader.read[0] ?? {};
    expect(record?.key.length).toBe(0);
    expect([...(record?.value ?? [])]).toEqual([0xff, 0xfe]);
    expect(record?.appendedAt).toBeGreaterThan(1_600_000_000_000);
    await reader.consumer.close();
  });

  it('an offset that an operator has set counts', async () => {
    const topic = await stores.makeTopic(1);
    for (const text of ['a', 'b', 'c']) await log.append(topic, key, Buffer.from(text));
    const group = stores.newGroup();
    const topics = [{ name: topic, partitionOffsets: [{ partition: 0, offset: 2n }] }];
    await admin.alterConsumerGroupOffsets({ groupId: group, topics });
    const reader = await LogReader.join(log, { group, topics: [topic] });
    await reader.until(() => reader.read.length > 0);
    expect(reader.texts).toEqual(['c']);
    expect((await log.committed(group, topic)).map(({ offset }) => offset)).toEqual([2]);
    await reader.consumer.close();
  });

  it('a commit that comes after its topic was made anew is none of the new one', async () => {
    const node = await stores.node();
    const topic = await stores.makeTopic(1);
    const group = stores.newGroup();
    for (const text of ['a', 'b', 'c']) await log.append(topic, key, Buffer.from(text));
    const late = await LogReader.join(node.log, { group, topics: [topic] });
    await late.until(() => late.read.length === 3);
    const old = late.assignment();
    // It does not look around, so that its commit goes to the topic of this name.
    node.freeze();
    await stores.remakeTopic(topic);
    await late.consumer.commit(old, 3);
    expect(await log.committed(group, topic)).toEqual([]);
    node.wake();
    await late.until(() => late.assignments.length === 2);
    expect(late.assignments[1]?.start).toBe(0);
    expect(await late.consumer.commit(old, 3)).toBe('not-owned');
    await late.consumer.close();
  });

  it('a topic that is deleted is given up, and read when it is there again', async () => {
    const topic = await stores.makeTopic(2);
    const other = await stores.makeTopic(1);
    const reader = await LogReader.join(log, { group: stores.newGroup(), topics: [topic, other] });
    await reader.until(() => reader.assignments.length === 3);
    await admin.deleteTopics({ topics: [topic] });
    await reader.until(() => reader.revocations.length === 2);
    await log.append(other, key, Buffer.from('meanwhile'));
    await reader.until(() => reader.texts.includes('meanwhile'));
    expect(reader.revocations.map(({ assignment, how }) => [assignment.topic, how])).toEqual([
      [topic, 'lost'],
      [topic, 'lost'],
    ]);
    await admin.createTopics({ topics: [topic], partitions: 3, replicas: 1 });
    await reader.until(() => reader.assignments.length === 6);
    expect(reader.assignments.slice(3).map((assignment) => assignment.topic)).toEqual([topic, topic, topic]);
    await reader.consumer.close();
  });
});
