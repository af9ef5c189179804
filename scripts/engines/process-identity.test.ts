import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { endProcess } from './engine-process.ts';
import { identify, linuxProcesses, type ProcessTable, runs } from './process-identity.ts';

/** /proc/PID/stat: the number, the name in brackets, the state, and fields of which the nineteenth behind the state is the start. */
function stat(name: string, startTicks: number, state = 'S'): string {
  const between = Array.from({ length: 18 }, (_, at) => at + 1).join(' ');
  return `77 (${name}) ${state} ${between} ${startTicks} 0 0\n`;
}

function table(line: string | undefined, bootId = 'first'): ProcessTable {
  return { stat: () => line, bootId: () => bootId };
}

describe('who a process is', () => {
  it('is its number and its start, whatever its name holds', () => {
    const identity = { pid: 77, startTicks: '4711', bootId: 'first' };
    expect(identify(77, table(stat('java', 4711)))).toEqual(identity);
    expect(identify(77, table(stat('a) R 1 (b', 4711)))).toEqual(identity);
  });

  it.each([
    ['there is none', undefined],
    ['it has ended and nobody has asked how', stat('java', 4711, 'Z')],
  ])('is nobody when %s', (_, line) => {
    expect(identify(77, table(line))).toBeUndefined();
  });

  it('is somebody else when the number was given out again, or the machine began anew', () => {
    const mine = { pid: 77, startTicks: '4711', bootId: 'first' };
    expect(runs(mine, table(stat('java', 4711)))).toBe(true);
    expect(runs(mine, table(stat('java', 4712)))).toBe(false);
    expect(runs(mine, table(stat('java', 4711), 'second'))).toBe(false);
    expect(runs(mine, table(undefined))).toBe(false);
  });
});

describe.runIf(process.platform === 'linux')('ending a process', () => {
  const sleeper = async (program: string) => {
    const child = spawn(process.execPath, ['-e', `${program}; setInterval(() => {}, 1000); console.log('ready')`]);
    await once(child.stdout, 'data');
    const identity = child.pid === undefined ? undefined : identify(child.pid, linuxProcesses);
    if (identity === undefined) throw new Error('it has ended');
    return { child, identity };
  };

  it('asks it to', async () => {
    const { identity } = await sleeper('');
    expect(await endProcess(identity, 10_000)).toBe('ended');
    expect(await endProcess(identity, 10_000)).toBe('gone');
  });

  it('kills one that does not listen', async () => {
    const { identity } = await sleeper("process.on('SIGTERM', () => {})");
    expect(await endProcess(identity, 0)).toBe('killed');
    expect(runs(identity, linuxProcesses)).toBe(false);
  });

  it('leaves another one alone that has its number', async () => {
    const { child, identity } = await sleeper('');
    const earlier = { ...identity, startTicks: String(Number(identity.startTicks) - 1) };
    expect(await endProcess(earlier, 0)).toBe('gone');
    expect(runs(identity, linuxProcesses)).toBe(true);
    child.kill('SIGKILL');
  });
});
