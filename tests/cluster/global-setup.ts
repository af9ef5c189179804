import { randomBytes } from 'node:crypto';
import type { TestProject } from 'vitest/node';
// By its path: what vitest loads before the tests it resolves without the condition for sources.
import { migrateCluster, systemClock } from '../../packages/relay-server/test/cluster-opening.ts';
import { ClusterSettings } from '../../packages/relay-server/test/cluster-settings.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** The settings of a cluster on the engines, as in a config file; its keyspace and bucket are there. */
    readonly clusterFile: string;
  }
}

/** Makes what all journeys of a run share: a keyspace, since tables take seconds, a bucket, and the keys of the nodes. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const settings = await ClusterSettings.make();
  try {
    const cluster = { trustRootFile: await settings.write('trust-root.key', randomBytes(32)) };
    await migrateCluster(settings.config({ cluster }), { clock: systemClock, say: () => undefined });
    project.provide('clusterFile', JSON.stringify(settings.file({ cluster })));
    return () => settings[Symbol.asyncDispose]();
  } catch (error) {
    await settings[Symbol.asyncDispose]();
    throw error;
  }
}
