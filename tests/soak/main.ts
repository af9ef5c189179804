import { type SoakOutcome, soak } from './soak.ts';
import { readSoakOptions, type SoakOptions, usage } from './soak-options.ts';
import { reportOf } from './soak-report.ts';

const options = readSoakOptions(process.argv.slice(2));
if (options === 'help') {
  process.stdout.write(usage);
} else if ('wrong' in options) {
  process.stderr.write(`soak: ${options.wrong}\n${usage}`);
  process.exitCode = 2;
} else {
  const outcome = await run(options);
  for (const line of reportOf(outcome, options.seed)) console.log(line);
  process.exitCode = outcome.ok ? 0 : 1;
}

async function run(chosen: SoakOptions): Promise<SoakOutcome> {
  const ending = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    // A terminal sends one to all of its processes, and npm passes it on once more.
    process.on(signal, () => ending.abort(new Error(`ended by ${signal}`)));
  }
  return soak(chosen, (line) => console.log(line), ending.signal);
}
