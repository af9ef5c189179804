import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type NamedTestReport, securityPage } from './security-page.ts';
import { clusterNotice, readTestCommand } from './test-command.ts';
import { countLine, countTests, type TestReport } from './test-counts.ts';

// Runs every test of every workspace in one vitest, or those whose files match the arguments, and ends with the count line.
// A run of all compares docs/security-tests.md with itself; `--security` runs the tests that the page is about, and writes it.

const command = readTestCommand(process.argv.slice(2));
if (command.type === 'help') {
  process.stdout.write(command.usage);
  process.exit(0);
}
if (command.type === 'wrong') {
  process.stderr.write(`security-tests: ${command.message}\n${command.usage}`);
  process.exit(2);
}
const { isForPage, vitest: chosen } = command;

const root = join(import.meta.dirname, '..');
const page = join(root, 'docs', 'security-tests.md');
const folder = mkdtempSync(join(tmpdir(), 'sotto-test-'));
const reportFile = join(folder, 'report.json');

const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${reportFile}`];
const run = spawnSync(process.execPath, [vitest, 'run', ...reporters, ...chosen], { cwd: root, stdio: 'inherit' });

// An unhandled error in a test run fails no test: only the exit status tells.
let status = run.status ?? 1;
let counts = { passed: 0, failed: 1, skipped: 0 };
if (existsSync(reportFile)) {
  const report: TestReport & NamedTestReport = JSON.parse(readFileSync(reportFile, 'utf8'));
  counts = countTests(report);
  if (isForPage || chosen.length === 0) checkPage(report);
} else {
  console.error('vitest wrote no report: its message stands above.');
}
rmSync(folder, { recursive: true, force: true });

if (counts.failed > 0 && status === 0) status = 1;
if (!isForPage) console.log(clusterNotice);
console.log(countLine(counts));
process.exitCode = status;

/** What is wrong with the page is one failure. */
function checkPage(report: NamedTestReport): void {
  const made = securityPage(report, root);
  if (isForPage) writeFileSync(page, made.page);
  const isSame = existsSync(page) && readFileSync(page, 'utf8') === made.page;
  const problems = isSame ? made.problems : [...made.problems, 'docs/security-tests.md: run npm run security-tests'];
  for (const problem of problems) console.error(`security: ${problem}`);
  if (problems.length > 0) counts = { ...counts, failed: counts.failed + 1 };
}
