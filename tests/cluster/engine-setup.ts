import { basename } from 'node:path';
import { beforeEach } from 'vitest';
import { journeysGoThrough } from '../journeys/relay-under-test.ts';
import { clusterRelays } from './cluster-relay.ts';
import { engineGround } from './engine-cluster.ts';
import { journeysLeftOut } from './left-out.ts';
import { nodeProcesses } from './node-processes.ts';

journeysGoThrough({ inProcess: clusterRelays(engineGround), killable: nodeProcesses });

beforeEach(({ task, skip }) => {
  const alone = journeysLeftOut[basename(task.file.filepath)] ?? {};
  // Names may have tags behind them.
  const [, reason] = Object.entries(alone).find(([name]) => task.name.startsWith(name)) ?? [];
  if (reason !== undefined) skip(reason);
});
