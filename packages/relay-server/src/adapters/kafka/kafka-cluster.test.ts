import { afterEach, describe, expect, it } from 'vitest';
import { KafkaCluster } from './kafka-cluster.ts';
import { Brokers, topic, topicId } from './scripted-brokers.ts';

describe('what is asked of a cluster', () => {
  const ends: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const end of ends.splice(0)) await end();
  });

  async function open(count: number) {
    const brokers = await Brokers.start(count);
    const cluster = new KafkaCluster({ brokers: brokers.addresses, requestTimeoutMs: 300 });
    ends.push(
      () => brokers.stop(),
      () => cluster.close(),
    );
    return { brokers, cluster };
  }

  it('waits once for a broker that answers nothing, and asks another one from then on', async () => {
    const { brokers, cluster } = await open(3);
    await cluster.findTopic(topic);
    brokers.stopped.add(0);
    brokers.asked.clear();
    for (let time = 0; time < 4; time += 1) {
      expect(await cluster.findTopic(topic)).toEqual({ topicId, leaders: [0, 1, 2] });
    }
    expect(brokers.asked.get(0)).toBe(1);
  });

  it('fails when none answers', async () => {
    const { brokers, cluster } = await open(2);
    await cluster.findTopic(topic);
    for (const broker of [0, 1]) brokers.stopped.add(broker);
    await expect(cluster.findTopic(topic)).rejects.toThrow();
    brokers.stopped.clear();
    expect(await cluster.findTopic(topic)).toMatchObject({ topicId });
  });

  it('goes on after two that answer nothing', async () => {
    const { brokers, cluster } = await open(3);
    await cluster.findTopic(topic);
    for (const broker of [0, 1]) brokers.stopped.add(broker);
    expect(await Promise.all([cluster.findTopic(topic), cluster.findTopic(topic)])).toMatchObject([
      { topicId },
      { topicId },
    ]);
  });
});
