import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { BenchOptions, BenchResult } from './bench.ts';
import { childArguments } from './relay-process.ts';
import { renderReport, withReport } from './report.ts';

const root = join(import.meta.dirname, '..', '..');
const page = join(root, 'docs', 'benchmarks.md');

/**
 * Runs benches one after the other, each in a process of its own, so that none begins with the memory of the one before.
 * @throws {Error} when one of them failed; then no page is written
 */
export async function allBenches(
  names: readonly string[],
  { options, report }: { readonly options: BenchOptions; readonly report: boolean },
  say: (line: string) => void,
): Promise<readonly BenchResult[]> {
  const results: BenchResult[] = [];
  for (const name of names) results.push(await runBench(name, options, say));
  if (report) {
    const facts = { date: new Date().toISOString().slice(0, 10), commit: commitOf(root) };
    writeFileSync(page, withReport(readFileSync(page, 'utf8'), renderReport(results, facts)));
    say('all: docs/benchmarks.md is written');
  }
  return results;
}

async function runBench(name: string, options: BenchOptions, say: (line: string) => void): Promise<BenchResult> {
  const flags = Object.entries(options).flatMap(([flag, value]) => (value === undefined ? [] : [`--${flag}`, value]));
  const program = join(import.meta.dirname, 'main.ts');
  const child = spawn(process.execPath, [...childArguments(), program, name, ...flags.map(String)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let last = '';
  const lines = createInterface({ input: child.stdout }).on('line', (line) => {
    if (last !== '') say(last);
    last = line;
  });
  const [[status]] = await Promise.all([once(child, 'exit'), once(lines, 'close')]);
  if (status !== 0) throw new Error(`the bench ${name} ended with ${status}: ${last}`);
  return JSON.parse(last) as BenchResult;
}

/** The commit that was measured; a plus behind it = with changes that are in none. */
function commitOf(folder: string): string {
  const git = (...args: readonly string[]) => execFileSync('git', args, { cwd: folder, encoding: 'utf8' }).trim();
  return git('rev-parse', '--short', 'HEAD') + (git('status', '--porcelain', '--untracked-files=no') === '' ? '' : '+');
}
