import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { countLine, countTests, type TestReport } from './test-counts.ts';

// Runs every test of every workspace in one vitest, or those whose files match the arguments, and ends with the count line.

const root = join(import.meta.dirname, '..');
const folder = mkdtempSync(join(tmpdir(), 'sotto-test-'));
const reportFile = join(folder, 'report.json');

const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${reportFile}`];
const run = spawnSync(process.execPath, [vitest, 'run', ...reporters, ...process.argv.slice(2)], {
  cwd: root,
  stdio: 'inherit',
});

// An unhandled error in a test run fails no test: only the exit status tells.
let status = run.status ?? 1;
let counts = { passed: 0, failed: 1, skipped: 0 };
if (existsSync(reportFile)) {
  const report: TestReport = JSON.parse(readFileSync(reportFile, 'utf8'));
  counts = countTests(report);
} else {
  console.error('vitest wrote no report: its message stands above.');
}
rmSync(folder, { recursive: true, force: true });

if (counts.failed > 0 && status === 0) status = 1;
console.log(countLine(counts));
process.exitCode = status;
