import { type Connection, NetworkError } from '@platformatic/kafka';
import { describe, expect, it } from 'vitest';
import type { Timers } from '../../ports/timers.ts';
import { GroupMember } from './group-member.ts';
import type { KafkaCluster } from './kafka-cluster.ts';

/** A connection over which no answer ever comes. */
function silent(): Connection {
  const waiting: ((error: Error) => void)[] = [];
  const connection = {
    send: (...values: unknown[]) => void waiting.push(values.at(-1) as (error: Error) => void),
    close: async () => {
      for (const fail of waiting.splice(0)) fail(new NetworkError('Connection closed'));
    },
  };
  return connection as unknown as Connection;
}

describe('a member that joins', () => {
  it('leaves a coordinator that hangs for the one that has come in its place', async () => {
    const reached: number[] = [];
    const connections: Connection[] = [];
    const ticks = new Set<() => void>();
    const timers: Timers = {
      after: (_, run) => {
        const timer = setImmediate(run);
        return () => clearImmediate(timer);
      },
      every: (_, run) => {
        ticks.add(run);
        return () => ticks.delete(run);
      },
    };
    let coordinator = 1;
    const cluster = {
      coordinator: async () => coordinator,
      line: () => ({
        to: async (broker: number) => {
          reached.push(broker);
          const connection = silent();
          connections.push(connection);
          return connection;
        },
        close: async () => {
          for (const connection of connections.splice(0)) await connection.close();
        },
      }),
    } as unknown as KafkaCluster;
    const sizes = { sessionMs: 10_000, heartbeatMs: 2000, rebalanceMs: 30_000 };
    const owner = { owned: () => [], settle: async () => false, lost: () => undefined, failed: () => undefined };
    const member = new GroupMember({ cluster, group: 'group', topics: ['topic'], ...sizes, timers }, owner);
    const started = member.start().catch((error: unknown) => error);
    await expect.poll(() => reached).toEqual([1]);
    const tick = () => {
      for (const run of [...ticks]) run();
    };
    tick();
    await new Promise((resolve) => setImmediate(resolve));
    expect(reached).toEqual([1]);
    coordinator = 2;
    tick();
    await expect.poll(() => reached).toEqual([1, 2]);
    await member.stop();
    expect(await started).toMatchObject({ code: 'store-unavailable' });
  });
});
