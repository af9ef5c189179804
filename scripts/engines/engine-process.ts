import { spawn } from 'node:child_process';
import { closeSync, existsSync, openSync, readSync, statSync } from 'node:fs';
import { identify, linuxProcesses, type ProcessIdentity, runs } from './process-identity.ts';

/** What is started as one member of an engine. */
export interface EngineProgram {
  readonly command: string;
  readonly args: readonly string[];
  /** Beside what every program gets. Secrets stand here, not among the arguments, which everybody on the machine can read. */
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly log: string;
}

const passedOn = ['PATH', 'HOME', 'LANG', 'TMPDIR', 'JAVA_HOME', 'TZ'];

/**
 * Starts a program that goes on when this one ends: a session of its own, its output in a file.
 * @throws when it can't be started, or ends at once
 */
export async function startProcess(program: EngineProgram): Promise<ProcessIdentity> {
  const env: Record<string, string> = { ...program.env };
  for (const name of passedOn) {
    const value = process.env[name];
    if (value !== undefined && !(name in env)) env[name] = value;
  }
  const log = openSync(program.log, 'a', 0o600);
  try {
    const { command, args, cwd } = program;
    const child = spawn(command, args, { cwd, env, detached: true, stdio: ['ignore', log, log] });
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', reject);
    });
    child.unref();
    const identity = child.pid === undefined ? undefined : identify(child.pid, linuxProcesses);
    if (identity === undefined) throw new Error(`${command} ended at once: ${lastLines(program.log)}`);
    return identity;
  } finally {
    closeSync(log);
  }
}

/**
 * Ends a process: asks it to, waits, kills it, waits again. Nothing is sent to a number that is another process by now.
 * @returns how it went
 * @throws when it outlives that
 */
export async function endProcess(process: ProcessIdentity, graceMs: number): Promise<'gone' | 'ended' | 'killed'> {
  if (!send(process, 'SIGTERM')) return 'gone';
  // One that was stopped hears of it when it goes on.
  send(process, 'SIGCONT');
  if (await ends(process, graceMs)) return 'ended';
  send(process, 'SIGKILL');
  if (await ends(process, 10_000)) return 'killed';
  throw new Error(`process ${process.pid} outlives SIGKILL`);
}

/**
 * Sends a signal to a process that was started here, and waits for a killed one to be gone. Nothing is sent to a number that is another process by now.
 * @returns whether there was somebody to send it to
 */
export async function signalProcess(
  process: ProcessIdentity,
  signal: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT',
): Promise<boolean> {
  if (!send(process, signal)) return false;
  if (signal === 'SIGKILL' && !(await ends(process, 10_000)))
    throw new Error(`process ${process.pid} outlives SIGKILL`);
  return true;
}

/** The last lines of a log, short enough to be shown. */
export function lastLines(log: string): string {
  if (!existsSync(log)) return '(no log)';
  const length = Math.min(statSync(log).size, 2000);
  const bytes = Buffer.alloc(length);
  const file = openSync(log, 'r');
  try {
    readSync(file, bytes, 0, length, statSync(log).size - length);
  } finally {
    closeSync(file);
  }
  return bytes.toString('utf8').trimEnd().split('\n').slice(-6).join('\n');
}

/** Whether there was somebody to send it to. */
function send(identity: ProcessIdentity, signal: NodeJS.Signals): boolean {
  if (!runs(identity, linuxProcesses)) return false;
  try {
    return process.kill(identity.pid, signal);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ESRCH') return false;
    throw error;
  }
}

async function ends(identity: ProcessIdentity, limitMs: number): Promise<boolean> {
  const until = Date.now() + limitMs;
  while (runs(identity, linuxProcesses)) {
    if (Date.now() > until) return false;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return true;
}
