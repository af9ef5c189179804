import { spawn } from 'node:child_process';
import { resolve } from 'node:path';

// Runs a program of this repository where the user stands: npm starts scripts in the root of the repository, and a relative path that
// the user gave would miss its file. `node scripts/run-from-cwd.ts examples/demo/src/main.ts --messages FILE`

const [program, ...args] = process.argv.slice(2);
if (program === undefined) throw new Error('Name the program to run: node scripts/run-from-cwd.ts PROGRAM ARGUMENTS');

const child = spawn(process.execPath, [resolve(program), ...args], {
  cwd: process.env.CALLER_CWD ?? process.env.INIT_CWD ?? process.cwd(),
  stdio: 'inherit',
});
for (const signal of ['SIGTERM', 'SIGHUP'] as const) process.on(signal, () => child.kill(signal));
// A terminal sends Ctrl-C to the child as well: wait for what it makes of it.
process.on('SIGINT', () => undefined);
child.once('exit', (code) => process.exit(code ?? 1));
