import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readClusterCommand } from './test-command.ts';
import { countLine, countTests, type TestReport } from './test-counts.ts';

// Runs the tests that need real engines, or those whose files match the arguments, and ends with the count line. Brings engines of its
// own up before, and down after, whatever happens; uses those that SOTTO_ENGINES names instead, and leaves them up.

const command = readClusterCommand(process.argv.slice(2));
if (command.type === 'help') {
  process.stdout.write(command.usage);
  process.exit(0);
}

const root = join(import.meta.dirname, '..');
const engines = join(root, 'scripts', 'engines', 'main.ts');
// Beside those that somebody works with.
const folder = join(root, '.engines', 'test-cluster');
const place = ['--folder', folder];
const given = process.env.SOTTO_ENGINES;
const failed = { passed: 0, failed: 1, skipped: 0 };

let running: ChildProcess | undefined;
let isStopped = false;
for (const signal of ['SIGTERM', 'SIGHUP', 'SIGINT'] as const) {
  process.on(signal, () => {
    isStopped = true;
    // A terminal sends Ctrl-C to them as well.
    if (signal !== 'SIGINT') running?.kill(signal);
  });
}

if (given !== undefined && given !== '') {
  finish(await tested(given, command.vitest));
} else {
  // Three of each would be what a cluster is; this is what a machine of two cores carries beside the tests.
  let result = { counts: failed, status: 1 };
  try {
    const isUp = (await run(engines, ['up', '--ports', '21000', ...place])) === 0;
    if (isUp && !isStopped) result = await tested(join(folder, 'engines.json'), command.vitest);
  } finally {
    // Whoever ends this must not end what cleans up behind it.
    const down = run(engines, ['down', '--wipe', ...place]);
    running = undefined;
    const isDown = (await down) === 0;
    if (!isDown) result = { counts: { ...result.counts, failed: result.counts.failed + 1 }, status: 1 };
  }
  finish(result);
}

/** What the tests make of these engines. */
async function tested(addresses: string, chosen: readonly string[]) {
  const reports = mkdtempSync(join(tmpdir(), 'sotto-test-cluster-'));
  const report = join(reports, 'report.json');
  const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  const config = ['--config', join(root, 'vitest.cluster.config.ts')];
  try {
    const status = await run(vitest, ['run', ...config, ...reporters, ...chosen], { SOTTO_ENGINES: addresses });
    if (!existsSync(report)) {
      console.error('vitest wrote no report: its message stands above.');
      return { counts: failed, status: 1 };
    }
    const read: TestReport = JSON.parse(readFileSync(report, 'utf8'));
    if (read.testResults.length > 0) return { counts: countTests(read), status };
    console.error('No file of tests was found: what runs none shows nothing.');
    return { counts: failed, status: 1 };
  } finally {
    rmSync(reports, { recursive: true, force: true });
  }
}

/** Runs a program of Node's in the root of the repository and resolves to its exit status. */
function run(program: string, args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<number> {
  const child = spawn(process.execPath, [program, ...args], {
    cwd: root,
    env: { ...process.env, ...env },
    stdio: 'inherit',
  });
  running = child;
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve(code ?? 1));
  });
}

function finish({ counts, status }: { readonly counts: typeof failed; readonly status: number }): void {
  console.log(countLine(counts));
  process.exitCode = counts.failed > 0 && status === 0 ? 1 : status;
}
