// Sets a checkout up, then runs the npm script named by the first argument: `node scripts/setup.mjs demo:run --messages FILE`.
//
// Runs on the machine's own Node (20 or newer), before anything is installed. What follows runs on the Node in node_modules: it is
// started by a fresh `npm run`, because a shell or npm that ran before the installation still sees the machine's Node.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const stamp = join(root, 'node_modules', '.sotto-setup');

if (Number.parseInt(process.versions.node, 10) < 20) {
  console.error(
    `Sotto needs Node 20 or newer to set itself up, and this is Node ${process.versions.node}: install a newer one, then run this again.`,
  );
  process.exit(1);
}

const [script, ...args] = process.argv.slice(2);
/** Of what takes no options: asked how it is used it would install, or run. */
const usages = {
  setup: 'npm run setup    installs and builds what is not there yet; takes no options',
  'check:run': 'npm run check    lint, type checks and structure; takes no options',
  'docs:run': 'npm run docs    writes docs/api; takes no options',
};
const asked = [script, ...args].some((arg) => arg === '--help' || arg === '-h');
const usage = usages[script === undefined || script.startsWith('-') ? 'setup' : script];
if (asked && usage !== undefined) {
  console.log(usage);
  process.exit(0);
}

// The tools of the build send nothing home.
const env = { ...process.env, TURBO_TELEMETRY_DISABLED: '1', DO_NOT_TRACK: '1' };

/**
 * Runs npm in the root of the repository and resolves to its exit status.
 * @param {string[]} args
 * @param {{ quiet?: boolean }} [options] quiet: output is shown only when npm fails
 * @returns {Promise<number>}
 */
function npm(args, { quiet = false } = {}) {
  const stdio = quiet ? ['ignore', 'pipe', 'pipe'] : 'inherit';
  // By its name, not by the Node that runs this: that one may stand in node_modules, which an installation removes.
  const child = spawn('npm', args, { cwd: root, env, stdio, shell: process.platform === 'win32' });
  const output = [];
  child.stdout?.on('data', (chunk) => output.push(chunk));
  child.stderr?.on('data', (chunk) => output.push(chunk));
  const forward = (signal) => child.kill(signal);
  const wait = () => undefined;
  const signals = ['SIGTERM', 'SIGHUP'];
  for (const signal of signals) process.on(signal, forward);
  // A terminal sends Ctrl-C to the child as well: wait for what it makes of it.
  process.on('SIGINT', wait);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      for (const signal of signals) process.off(signal, forward);
      process.off('SIGINT', wait);
      if (code !== 0) for (const chunk of output) process.stderr.write(chunk);
      resolve(code ?? 1);
    });
  });
}

/**
 * @param {string[]} args
 * @param {{ quiet?: boolean }} [options]
 */
async function npmOrExit(args, options) {
  const status = await npm(args, options);
  if (status !== 0) process.exit(status);
}

/** What the installation depends on: the lock file and the platform that it was made for. */
function fingerprint() {
  const lock = readFileSync(join(root, 'package-lock.json'));
  return createHash('sha256').update(lock).update(`${process.platform}-${process.arch}`).digest('hex');
}

const wanted = fingerprint();
if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== wanted) {
  console.error('Sotto: installing dependencies (once, about a minute) ...');
  // Only the packages that package.json allows run their install scripts. Newer npms see to that themselves; older ones would run all,
  // and compile what is there prebuilt.
  const { allowScripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const allowed = Object.keys(allowScripts).filter((name) => allowScripts[name]);
  await npmOrExit(['ci', '--ignore-scripts', '--loglevel=error'], { quiet: true });
  await npmOrExit(['rebuild', '--loglevel=error', ...allowed], { quiet: true });
  writeFileSync(stamp, wanted);
}
await npmOrExit(['run', '--silent', 'build'], { quiet: true });

if (script !== undefined) {
  // npm sets INIT_CWD anew in every nested run; this keeps where the user stands, so that relative paths mean what they say.
  env.CALLER_CWD = process.env.INIT_CWD ?? process.cwd();
  process.exitCode = await npm(['run', '--silent', script, '--', ...args]);
}
