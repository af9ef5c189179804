import { afterAll, onTestFailed } from 'vitest';
import type { ClientProcess } from '../led/client-process.ts';
import { CrashWorld } from './crash-world.ts';

/** Two people who know each other, and their relay. */
export interface Stage {
  readonly world: CrashWorld;
  readonly alice: ClientProcess;
  readonly bob: ClientProcess;
}

/**
 * The stage that the cases of a file play on: its processes live on from case to case as long as all goes well, since only the one that is killed has to be started again. After a failure the next case gets a new one.
 */
export function stages(): () => Promise<Stage> {
  let standing: Stage | undefined;
  afterAll(() => standing?.world.clear());
  return async () => {
    const stage = standing ?? (await newStage());
    standing = stage;
    onTestFailed(async () => {
      console.error(stage.world.describe());
      standing = undefined;
      await stage.world.clear();
    });
    return stage;
  };
}

async function newStage(): Promise<Stage> {
  const world = new CrashWorld();
  await world.relay.start();
  const [alice, bob] = await Promise.all([world.registered('Alice'), world.registered('Bob')]);
  return { world, alice, bob };
}
