import { afterEach, describe, expect, it } from 'vitest';
import { ManualTime } from '../../../test/manual-time.ts';
import { systemTimers } from '../../platform/system-timers.ts';
import type { Timers } from '../../ports/timers.ts';
import { partitionOf } from '../key-partition.ts';
import { KafkaCluster, type TopicLayout } from './kafka-cluster.ts';
import { KafkaMailLog } from './mail-log.ts';
import { RecordAppender } from './record-appender.ts';
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

/** A cluster that says where partitions are when a test lets it. */
class HeldCluster extends KafkaCluster {
  held: Promise<void> = Promise.resolve();

  override async topic(name: string): Promise<TopicLayout> {
    await this.held;
    return super.topic(name);
  }
}

/** Holds a cluster until `release` is called, with an error when it is given one. */
function hold(cluster: HeldCluster): (error?: Error) => void {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  cluster.held = promise;
  return (error) => (error === undefined ? resolve() : reject(error));
}

describe('RecordAppender', () => {
  const ends: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const end of ends.splice(0)) await end();
  });

  async function open(timers: Timers = systemTimers) {
    const brokers = await Brokers.start(1);
    const kafka = { brokers: brokers.addresses };
    const cluster = new HeldCluster(kafka);
    const appender = new RecordAppender({ kafka, cluster, timers, lingerMs: 1, recordBytes: 1_000_000 });
    ends.push(
      () => brokers.stop(),
      () => cluster.close(),
      () => appender.close(),
    );
    const append = (value = Buffer.from('value')) => appender.append(topic, Buffer.from('key'), value, {});
    return { brokers, cluster, appender, append };
  }

  it('keeps no line to brokers of topics that were made anew', async () => {
    const { brokers, cluster, append } = await open();
    await append();
    const before = brokers.connections;
    for (let round = 0; round < 4; round += 1) {
      brokers.topicId = `6f1c9b5e-27c3-4a8c-9c8e-0a4f5d1e2b4${round}`;
      await cluster.topic(topic);
      expect(await append()).toMatchObject({ topicId: brokers.topicId });
    }
    await expect.poll(() => brokers.connections).toBe(before);
  });

  it('leaves no timer behind when it is closed while it looks where partitions are', async () => {
    const time = new ManualTime();
    const { cluster, appender, append } = await open(time);
    const first = append();
    await expect.poll(() => time.pending).toBeGreaterThan(2);
    time.advance(1);
    await first;
    // What is known of the topic counts as old from here on.
    time.advance(5000);
    const release = hold(cluster);
    const second = append();
    time.advance(1);
    await second;
    await appender.close();
    expect(time.pending).toBe(0);
    release();
    await cluster.topic(topic);
    await new Promise(setImmediate);
    expect(time.pending).toBe(0);
  });

  it('refuses what is more than it keeps while nobody says where partitions are, and takes more when somebody has', async () => {
    const { cluster, append } = await open();
    const release = hold(cluster);
    const large = Buffer.alloc(999_000);
    const outcomes: unknown[] = [];
    const waiting = Array.from({ length: 67 }, () => append(large).catch((error: unknown) => outcomes.push(error)));
    await expect(append(large)).rejects.toMatchObject({ code: 'store-unavailable', retryable: true });
    expect(outcomes).toEqual([]);
    release(new Error('planted'));
    await Promise.all(waiting);
    expect(outcomes).toHaveLength(67);
    cluster.held = Promise.resolve();
    expect(await append()).toMatchObject({ offset: 0 });
  });
});
