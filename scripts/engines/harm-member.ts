import type { MemberFault } from './engine-command.ts';
import { signalProcess } from './engine-process.ts';
import { defaultShape, membersOf } from './engine-shape.ts';
import type { EngineWork } from './up.ts';

const signals = { kill: 'SIGKILL', pause: 'SIGSTOP', resume: 'SIGCONT' } as const;
const done = { kill: 'killed', pause: 'stopped', resume: 'goes on' } as const;

/**
 * Kills, stops or continues one process that `up` started in this folder, for whoever tries what happens then; `up` starts one that was killed again on its data.
 * @returns whether it ran
 */
export async function harmMember({ folder, say }: EngineWork, name: string, fault: MemberFault): Promise<boolean> {
  const members = membersOf(folder.made()?.shape ?? defaultShape).map((member) => member.name);
  if (!members.includes(name)) {
    say(`there is no ${name} in ${folder.path}: there are ${members.join(', ')}`);
    return false;
  }
  const identity = folder.started()[name];
  if (identity === undefined || !(await signalProcess(identity, signals[fault]))) {
    say(`${name}: does not run`);
    return false;
  }
  say(`${name}: ${done[fault]} (process ${identity.pid})`);
  return true;
}
