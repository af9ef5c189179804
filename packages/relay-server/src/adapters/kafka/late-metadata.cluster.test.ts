import { afterAll, describe, expect, it } from 'vitest';
import { runningEngines } from '../../../test/engines.ts';
import { systemTimers } from '../../platform/system-timers.ts';
import { KafkaCluster, type TopicLayout } from './kafka-cluster.ts';
import { KafkaLogConsumer } from './log-consumer.ts';
import { kafkaLogHarness } from './mail-log-harness.ts';

const { kafka } = runningEngines();

/** As its brokers answer, but for what it is told of a topic at one of its looks. */
class LateCluster extends KafkaCluster {
  looks = 0;
  lateAt = -1;

  override async findTopic(topic: string): Promise<TopicLayout | undefined> {
    this.looks += 1;
    const layout = await super.findTopic(topic);
    if (this.looks !== this.lateAt || layout === undefined) return layout;
    return { ...layout, leaders: layout.leaders.slice(0, 1) };
  }
}

describe('a consumer on Kafka', async () => {
  const { stores, close } = await kafkaLogHarness(kafka).open();
  afterAll(close);

  it('comes to read partitions of which the broker that it asks has not heard when it is given them', async () => {
    const topic = await stores.makeTopic(3);
    const cluster = new LateCluster(kafka);
    // At its start, when it shares the partitions, and when it begins with them.
    cluster.lateAt = 3;
    const assigned: number[] = [];
    const options = { group: stores.newGroup(), topics: [topic], maxRecords: 10, drainMs: 1000 };
    const consumer = new KafkaLogConsumer(options, {
      cluster,
      timers: systemTimers,
      sessionMs: 6000,
      heartbeatMs: 200,
      topicsMs: 200,
      partitionBytes: 1024,
      handlers: {
        assigned: ({ partition }) => void assigned.push(partition),
        revoked: async () => undefined,
        records: async () => undefined,
        skipped: () => undefined,
        failed: () => undefined,
      },
      onClosed: () => undefined,
    });
    await consumer.start();
    expect(assigned).toEqual([0]);
    await expect.poll(() => assigned.toSorted(), { timeout: 5000 }).toEqual([0, 1, 2]);
    await consumer.close();
    await cluster.close();
  });
});
