import { readFileSync } from 'node:fs';
import { allEngines } from './all-engines.ts';
import { membersOf } from './engine-shape.ts';
import { probed } from './probe.ts';
import { type EngineWork, isUp, settingOf } from './up.ts';

/**
 * Says of each process whether it runs and answers. One that was never started is left out.
 * @returns whether there are any, and all answer
 */
export async function tellStatus({ folder, say }: EngineWork): Promise<boolean> {
  const made = folder.made();
  const started = folder.started();
  const members = made === undefined ? [] : membersOf(made.shape).filter(({ name }) => name in started);
  if (made === undefined || members.length === 0) {
    say(`nothing was started in ${folder.path}`);
    return false;
  }
  const states = await Promise.all(
    members.map(async (member) => {
      const pid = started[member.name]?.pid ?? 0;
      if (!isUp(member, folder)) return { member, isAnswering: false, state: 'does not run' };
      const where = `${member.host}:${member.port}, process ${pid}, ${residentMegabytes(pid)} MB`;
      try {
        const setting = settingOf(member.engine, folder, made);
        const said = await probed(() => allEngines[member.engine].ask(member, setting), 20_000);
        return { member, isAnswering: true, state: `answers: ${said} (${where})` };
      } catch (error) {
        const reason = error instanceof Error ? error.message : String(error);
        return { member, isAnswering: false, state: `runs, but does not answer: ${reason} (${where})` };
      }
    }),
  );
  for (const { member, state } of states) say(`${member.name}: ${state}`);
  return states.every(({ isAnswering }) => isAnswering);
}

/** What of a process is in memory. */
function residentMegabytes(pid: number): number {
  try {
    const kilobytes = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return Math.round(Number(kilobytes ?? 0) / 1024);
  } catch {
    // It has ended this moment.
    return 0;
  }
}
