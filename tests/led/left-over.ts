import { existsSync, readdirSync, readlinkSync } from 'node:fs';

/** What is left in a process after everything was stopped. */
export interface LeftOver {
  /** `process.getActiveResourcesInfo()`, without those of standard streams and IPC. */
  readonly resources: readonly string[];
  /** After how many turns of the event loop they were looked at. */
  readonly turns: number;
  /** Open files of the folder that was worked on; known on Linux only. */
  readonly files: readonly string[];
}

const mostTurns = 100;
const openFiles = '/proc/self/fd';

/** Looks at what keeps this process alive. What was closed stands in the list until its turn of the event loop, and for sockets of `fetch` a few more, are over. */
export async function leftOver(folder: string): Promise<LeftOver> {
  for (let turns = 1; ; turns++) {
    await new Promise((resolve) => setImmediate(resolve));
    // The channel to the leading process and standard output are pipes; the immediate is the one above.
    const resources = process.getActiveResourcesInfo().filter((name) => name !== 'PipeWrap' && name !== 'Immediate');
    if (resources.length === 0 || turns === mostTurns) return { resources, turns, files: filesOf(folder) };
  }
}

function filesOf(folder: string): readonly string[] {
  if (!existsSync(openFiles)) return [];
  return readdirSync(openFiles).flatMap((descriptor) => {
    const link = `${openFiles}/${descriptor}`;
    // The descriptor of the listing itself is gone by now.
    const target = existsSync(link) ? readlinkSync(link) : '';
    return target.startsWith(folder) ? [target] : [];
  });
}
