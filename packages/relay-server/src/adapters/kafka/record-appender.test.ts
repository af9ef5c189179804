import { afterEach, describe, expect, it } from 'vitest';
import { partitionOf } from '../key-partition.ts';
import { KafkaMailLog } from './mail-log.ts';
import { Brokers, topic, topicId } from './scripted-brokers.ts';

/** A key of this partition. */
function keyOf(partition: number, partitions: number): Buffer {
  for (let at = 0; ; at += 1) {
    const key = Buffer.from(`key ${at}`);
    if (partitionOf(key, partitions) === partition) return key;
  }
}

describe('appends to several brokers', () => {
  const ends: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const end of ends.splice(0)) await end();
  });

  async function open(count: number, requestTimeoutMs = 60_000) {
    const brokers = await Brokers.start(count);
    const log = new KafkaMailLog({ kafka: { brokers: brokers.addresses, requestTimeoutMs } });
    ends.push(
      () => brokers.stop(),
      () => log.close(),
    );
    return { brokers, log };
  }

  it('go on with those that answer while one answers nothing', async () => {
    const { brokers, log } = await open(3);
    const value = Buffer.from('value');
    for (const partition of [0, 1, 2]) await log.append(topic, keyOf(partition, 3), value);
    brokers.stopped.add(2);
    const stuck = log.append(topic, keyOf(2, 3), value).catch((error: unknown) => error);
    await expect.poll(() => brokers.produced.get(2)).toBe(2);
    for (let round = 1; round < 4; round += 1) {
      const positions = await Promise.all([0, 1].map((to) => log.append(topic, keyOf(to, 3), value)));
      expect(positions).toEqual([0, 1].map((partition) => ({ topicId, partition, offset: round })));
    }
    // Ends the request that waits, and with it the append.
    await brokers.stop();
    expect(await stuck).toMatchObject({ code: 'store-unavailable' });
  });

  it('tell what a broker has kept that refuses the rest of the same request', async () => {
    const { brokers, log } = await open(2);
    brokers.leaders[1] = 0;
    const append = (partition: number) => log.append(topic, keyOf(partition, 2), Buffer.from('value'));
    await Promise.all([append(0), append(1)]);
    brokers.leaders[1] = 1;
    const [kept, refused] = await Promise.allSettled([append(0), append(1)]);
    expect(kept).toEqual({ status: 'fulfilled', value: { topicId, partition: 0, offset: 1 } });
    expect(refused).toMatchObject({ status: 'rejected', reason: { code: 'store-unavailable' } });
    expect(await append(1)).toEqual({ topicId, partition: 1, offset: 1 });
  });

  it('find the leader that has come in place of one that answers nothing', async () => {
    const { brokers, log } = await open(2, 300);
    const append = (partition: number) => log.append(topic, keyOf(partition, 2), Buffer.from('value'));
    await append(0);
    brokers.stopped.add(0);
    brokers.leaders[0] = 1;
    expect(await append(0)).toEqual({ topicId, partition: 0, offset: 1 });
  });
});
