import { allEngines } from './all-engines.ts';
import type { EngineName } from './engine-name.ts';
import { engineNames } from './engine-name.ts';
import { endProcess } from './engine-process.ts';
import { membersOf } from './engine-shape.ts';
import { type EngineWork, writeAddresses } from './up.ts';

/**
 * Ends what `up` started in this folder, and nothing else.
 * @param isWiping removes their data as well; what was downloaded stays
 * @returns whether all of them have ended
 */
export async function bringDown(
  { folder, say }: EngineWork,
  only: readonly EngineName[],
  isWiping: boolean,
): Promise<boolean> {
  const made = folder.made();
  if (made === undefined) {
    say(`nothing was started in ${folder.path}`);
    return true;
  }
  // Before they end: whoever reads the file from now on is told that they are not there.
  writeAddresses(folder, made, new Set(), new Set(only));
  const members = membersOf(made.shape).filter(({ engine }) => only.includes(engine));
  const ends = await Promise.all(
    members.map(async ({ engine, name }) => {
      const { [name]: identity } = folder.started();
      if (identity === undefined) return true;
      try {
        const how = await endProcess(identity, allEngines[engine].graceMs);
        say(`${name}: ${how === 'gone' ? 'had ended' : how} (process ${identity.pid})`);
      } catch (error) {
        say(`${name}: ${error instanceof Error ? error.message : error}`);
        return false;
      }
      const { [name]: _, ...others } = folder.started();
      folder.writeStarted(others);
      if (isWiping) folder.wipeData(name);
      return true;
    }),
  );
  const isAllDown = ends.every((hasEnded) => hasEnded);
  if (isWiping && isAllDown) {
    for (const { name } of members) folder.wipeData(name);
    // What is left of the others still needs what the folder was made with.
    if (only.length === engineNames.length) folder.forgetMade();
  }
  if (isAllDown) say(isWiping ? 'down, and the data is gone' : 'down; the data is kept for the next up');
  return isAllDown;
}
