import { randomBytes } from 'node:crypto';
import { systemClock, systemTimers } from '@sotto/relay-server';
import { MemoryEngines } from '@sotto/relay-server/memory';
import type { RelayWishes } from '../journeys/relay-kind.ts';
import type { ClusterGround } from './cluster-ground.ts';

const topics = { toUser: 'user2user_message', toGroup: 'group_message', poison: 'poison_message' };

/** A ground in memory. */
export async function memoryGround({ clock = systemClock }: RelayWishes): Promise<ClusterGround> {
  const engines = new MemoryEngines({ clock, timers: systemTimers, topics: Object.values(topics) });
  const [relayKey, trustRoot] = [randomBytes(32), randomBytes(32)];
  let started = 0;
  return {
    settings: {},
    trustRoot,
    node: async () => ({
      engines: engines.open(),
      link: engines.network.open(`node-${++started}:1/start`),
      relayKey,
      trustRoot,
      cluster: 'test',
      group: 'dispatchers',
      topics,
      drainMs: 5_000,
    }),
    close: () => Promise.resolve(),
  };
}
