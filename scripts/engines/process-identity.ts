import { readFileSync } from 'node:fs';

/** A process of the operating system's, told from a later one that was given the same number. */
export interface ProcessIdentity {
  readonly pid: number;
  /** When it began, in clock ticks since the machine did: field 22 of /proc/PID/stat. */
  readonly startTicks: string;
  /** Which run of the machine that was: pids and ticks begin anew with each. */
  readonly bootId: string;
}

/** What is read of /proc. */
export interface ProcessTable {
  /** /proc/PID/stat, or undefined when there is no such process. */
  stat(pid: number): string | undefined;
  bootId(): string;
}

/** The one of this machine. Linux only. */
export const linuxProcesses: ProcessTable = {
  stat(pid) {
    try {
      return readFileSync(`/proc/${pid}/stat`, 'utf8');
    } catch (error) {
      if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ESRCH')) {
        return undefined;
      }
      throw error;
    }
  },
  bootId: () => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim(),
};

/** Who runs under a number now; undefined if nobody does, or only what is left of a process that has ended. */
export function identify(pid: number, table: ProcessTable): ProcessIdentity | undefined {
  const stat = table.stat(pid);
  if (stat === undefined) return undefined;
  // The name of the program stands in brackets and may hold spaces and brackets itself: what counts comes behind the last one.
  const [state, ...fields] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const startTicks = fields[18];
  if (startTicks === undefined || state === 'Z' || state === 'X') return undefined;
  return { pid, startTicks, bootId: table.bootId() };
}

/** Whether this very process still runs. */
export function runs(process: ProcessIdentity, table: ProcessTable): boolean {
  const now = identify(process.pid, table);
  return now !== undefined && now.startTicks === process.startTicks && now.bootId === process.bootId;
}
