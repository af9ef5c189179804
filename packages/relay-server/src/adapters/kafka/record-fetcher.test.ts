import { NetworkError } from '@platformatic/kafka';
import { describe, expect, it } from 'vitest';
import type { LogHandlers } from '../../ports/mail-log.ts';
import type { KafkaCluster } from './kafka-cluster.ts';
import { PartitionFeed } from './partition-feed.ts';
import { RecordFetcher } from './record-fetcher.ts';

const partitions = 64;

describe('a fetcher whose broker refuses connections', () => {
  it('tries one request at a time, for all partitions, and not one for each', async () => {
    let tries = 0;
    let rounds = 0;
    let goOn: (() => void)[] = [];
    const cluster = {
      findTopic: async () => {
        rounds += 1;
        return { topicId: 'id', leaders: Array.from({ length: partitions }, () => 1) };
      },
      line: () => ({
        to: async () => {
          tries += 1;
          throw new NetworkError('Connection refused');
        },
        close: async () => undefined,
      }),
    } as unknown as KafkaCluster;
    const timers = {
      after: (_: number, run: () => void) => {
        goOn.push(run);
        return () => undefined;
      },
      every: () => () => undefined,
    };
    const feeds = Array.from({ length: partitions }, (_, partition) => {
      const assignment = { id: `${partition}`, topic: 'topic', topicId: 'id', partition, start: 0 };
      const feed = new PartitionFeed(assignment, {} as LogHandlers, 100, () => undefined);
      feed.leader = 1;
      return feed;
    });
    const owner = { feeds: () => feeds, replaced: () => undefined, failed: () => undefined };
    const fetcher = new RecordFetcher({ cluster, timers, partitionBytes: 1024 }, owner);
    fetcher.wake();
    for (let round = 1; round <= 5; round += 1) {
      await expect.poll(() => goOn.length).toBe(1);
      const runs = goOn;
      goOn = [];
      for (const run of runs) run();
      await expect.poll(() => rounds).toBe(round);
    }
    await expect.poll(() => goOn.length).toBe(1);
    expect(tries).toBe(6);
    await fetcher.close();
  });
});
