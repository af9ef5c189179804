import { soak } from './soak.ts';
import { readSoakOptions, usage } from './soak-options.ts';
import { reportOf } from './soak-report.ts';

const options = readSoakOptions(process.argv.slice(2));
if (typeof options === 'string') {
  process.stderr.write(`soak: ${options}\n${usage}`);
  process.exitCode = 2;
} else {
  const ending = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(signal, () => ending.abort(new Error(`ended by ${signal}`)));
  }
  const outcome = await soak(options, (line) => console.log(line), ending.signal);
  for (const line of reportOf(outcome, options.seed)) console.log(line);
  process.exitCode = outcome.ok ? 0 : 1;
}
