import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';

/** What a process has used since it began, and holds now. */
export interface ProcessUsage {
  /** CPU time of all its threads, in milliseconds. */
  readonly cpuMs: number;
  /** Resident memory, in KiB. */
  readonly rssKib: number;
}

/** Linux counts CPU time in hundredths of a second, whatever the machine. */
const msPerTick = 10;

/**
 * Reads what a process uses: from `/proc` where there is one, else from `ps`, whose CPU time has whole seconds on some systems.
 * @throws {Error} when it has ended
 */
export function usageOf(pid: number): ProcessUsage {
  if (!existsSync('/proc/self/stat')) {
    return readPs(execFileSync('ps', ['-o', 'time=,rss=', '-p', String(pid)], { encoding: 'utf8' }));
  }
  return readProc(readFileSync(`/proc/${pid}/stat`, 'utf8'), readFileSync(`/proc/${pid}/status`, 'utf8'));
}

/** Reads `/proc/PID/stat` and `/proc/PID/status`: proc(5). */
export function readProc(stat: string, status: string): ProcessUsage {
  // The name of the program stands in parentheses and may hold anything.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const rss = /^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1];
  return { cpuMs: (Number(fields[11]) + Number(fields[12])) * msPerTick, rssKib: Number(rss ?? 0) };
}

/** Reads a line of `ps -o time=,rss=`: `[[days-]hours:]minutes:seconds[.hundredths]`, then KiB. */
export function readPs(line: string): ProcessUsage {
  const [, days = '0', clock, rss] = /^\s*(?:(\d+)-)?([\d:.]+)\s+(\d+)\s*$/.exec(line) ?? [];
  if (clock === undefined) throw new Error('ps does not know the process (any more)');
  const seconds = clock.split(':').reduce((sum, part) => sum * 60 + Number(part), 0);
  return { cpuMs: Math.round((Number(days) * 86_400 + seconds) * 1_000), rssKib: Number(rss) };
}
