import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, watch } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { soak } from './soak.ts';
import { SoakEngines } from './soak-engines.ts';

const reason = new Error('ended by a test');

/** Command lines of processes, and mounts, that have to do with a folder. */
function tracesOf(folder: string): readonly string[] {
  const processes = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  const commands = processes.flatMap((pid) => readOf(`/proc/${pid}/cmdline`).replaceAll('\0', ' '));
  return [...commands, ...readOf('/proc/mounts').split('\n')].filter((line) => line.includes(folder));
}

function readOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    // It has ended meanwhile.
    if (error instanceof Error && 'code' in error && ['ENOENT', 'ESRCH'].includes(String(error.code))) return '';
    throw error;
  }
}

describe('a soak that is ended early rejects with the reason, and leaves no process, mount or folder', () => {
  it.each([
    ['it starts its processes', /people, /],
    ['it comes to rest', /waiting until it is quiet$/],
  ])('while %s', async (_, moment) => {
    const options = {
      minutes: 0.03,
      seed: 3,
      clients: 2,
      rate: 100,
      planted: undefined,
      paced: false,
      oneDevice: true,
      cluster: undefined,
    };
    const ending = new AbortController();
    let folder = '';
    const say = (line: string) => {
      folder = /people, (\S+)$/.exec(line)?.[1] ?? folder;
      if (moment.test(line)) ending.abort(reason);
    };
    await expect(soak(options, say, ending.signal)).rejects.toBe(reason);
    expect(folder).toMatch(/sotto-soak-/);
    expect(existsSync(folder)).toBe(false);
    expect(tracesOf(folder)).toEqual([]);
  });
});

describe('engines that are being brought up when the end comes', () => {
  let folder = '';

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'soak-engines-'));
  });

  afterEach(() => rmSync(folder, { recursive: true }));

  it('are brought down again', async () => {
    const ending = new AbortController();
    const asked = join(folder, 'asked.txt');
    const watcher = watch(folder, () => {
      // Not when there is no more than an empty file.
      if (readOf(asked) === 'up\n') ending.abort(reason);
    });
    const program = join(import.meta.dirname, 'sham-engines.ts');
    const parts = { folder, brokers: 1, nodes: 1, ports: 0, areGiven: false, program } as const;
    const up = SoakEngines.up(parts, { say: () => undefined, signal: ending.signal });
    await expect(up).rejects.toMatchObject({ name: 'AbortError', cause: reason });
    watcher.close();
    expect(readFileSync(asked, 'utf8')).toBe('up\ndown\n');
    expect(tracesOf(folder)).toEqual([]);
  });
});
