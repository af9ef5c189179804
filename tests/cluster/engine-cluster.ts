import { readFileSync } from 'node:fs';
import { pinoLogger, systemClock, systemRandomness, systemTimers } from '@sotto/relay-server';
import { openNodeParts } from '../../packages/relay-server/test/cluster-opening.ts';
import type { RelayWishes } from '../journeys/relay-kind.ts';
import type { ClusterGround } from './cluster-ground.ts';
import { datedLog } from './dated-log.ts';
import { takeSettings } from './run-settings.ts';

/** A ground on the engines. */
export async function engineGround({ settings, clock = systemClock }: RelayWishes): Promise<ClusterGround> {
  const { name, file, config, release } = await takeSettings(settings);
  return {
    settings: file,
    trustRoot: readFileSync(config.cluster.trustRootFile),
    async node() {
      const parts = await openNodeParts(config, {
        clock,
        // Journeys move the relay's own time, and no connection waits for that.
        timers: systemTimers,
        connections: { clock: systemClock, timers: systemTimers },
        randomness: systemRandomness,
        logger: pinoLogger(config.logLevel),
        realm: name,
        // Two nodes, their clients and the cryptography of all are one process here.
        commandTimeoutMs: 20_000,
      });
      const { engines } = parts;
      return { ...parts, engines: { ...engines, log: datedLog(engines.log, clock) } };
    },
    close: release,
  };
}
