import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { LedProcess } from '../led/led-process.ts';
import { NodeLog } from './node-log.ts';

let folder = '';

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'node-log-'));
});

afterEach(() => rmSync(folder, { recursive: true }));

it('what was written last is there, in two files that are bounded', () => {
  const log = new NodeLog({ folder, name: 'relay1', mostBytes: 1_000 });
  for (let line = 0; line < 500; line++) log.write(`line ${line}\n`);
  expect(readdirSync(folder).sort()).toEqual(['relay1.old.txt', 'relay1.txt']);
  const all = ['relay1.old.txt', 'relay1.txt'].map((name) => readFileSync(join(folder, name), 'utf8')).join('');
  expect(all.split('\n').slice(-101)).toEqual([...Array.from({ length: 100 }, (_, at) => `line ${400 + at}`), '']);
  for (const name of readdirSync(folder)) expect(statSync(join(folder, name)).size).toBeLessThan(1_100);
});

it('of what a process writes all is told, and the last of it is kept', async () => {
  const log = new NodeLog({ folder, name: 'relay1' });
  const program = join(import.meta.dirname, 'wordy-child.ts');
  const process = new LedProcess(
    program,
    ['600000', 'the end'],
    () => undefined,
    (text) => log.write(text),
  );
  expect(await process.ended).toEqual({ status: 0, signal: null });
  expect(process.stdout).toMatch(/the end\n$/);
  expect(process.stdout.length).toBeLessThan(300_000);
  expect(process.stderr).toMatch(/the end\n$/);
  expect(process.stderr.length).toBeLessThan(300_000);
  expect(statSync(join(folder, 'relay1.txt')).size).toBe(2 * (600_000 + 'the end\n'.length));
});
