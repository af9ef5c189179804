import { parseArgs } from 'node:util';
import { liveTargets, pureTargets } from './all-targets.ts';
import { CodeCoverage } from './code-coverage.ts';
import { keep, readCorpus } from './corpus.ts';
import { fuzz } from './fuzz.ts';

// npm run fuzz -- --minutes N [--seed S] [--target NAME]: every target for its share of the time, led by coverage. Exit status 1 for a finding, which is kept in the corpus.

const usage = `npm run fuzz -- [--minutes N] [--seed S] [--target NAME] [--grow]

--minutes  how long, shared by all targets (1)
--seed     what decides the inputs; any one when left out
--target   one target alone; a wrong name lists them
--grow     keeps inputs that ran new code, too
`;

const { values } = readArguments();
const minutes = Number(values.minutes);
const seed = Number(values.seed);
if (values.help) end(0, usage);
if (!(minutes > 0)) end(2, `fuzz: --minutes is a number above 0\n\n${usage}`);
if (!Number.isSafeInteger(seed)) end(2, `fuzz: --seed is a whole number\n\n${usage}`);

function readArguments() {
  try {
    return parseArgs({
      options: {
        help: { type: 'boolean', short: 'h', default: false },
        minutes: { type: 'string', default: '1' },
        seed: { type: 'string', default: String(Date.now() % 1_000_000) },
        target: { type: 'string' },
        grow: { type: 'boolean', default: false },
      },
    });
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    return end(2, `fuzz: ${error.message}\n\n${usage}`);
  }
}

function end(status: number, text: string): never {
  (status === 0 ? process.stdout : process.stderr).write(text);
  process.exit(status);
}

const live = await liveTargets();
const targets = [...pureTargets(), ...live.targets].filter(
  ({ name }) => values.target === undefined || name === values.target,
);
if (targets.length === 0) {
  const names = [...pureTargets(), ...live.targets].map(({ name }) => name);
  end(2, `fuzz: there is no target "${values.target}": ${names.join(', ')}\n`);
}
const isOurs = (url: string) => /\/(proto|packages\/[a-z-]+)\/(src|dist)\//.test(url);
const share = (minutes * 60_000) / targets.length;

let runsInAll = 0;
let findings = 0;
for (const target of targets) {
  await using coverage = await CodeCoverage.start(isOurs);
  const until = performance.now() + share;
  const report = await fuzz(target, {
    seed,
    goesOn: () => performance.now() < until,
    corpus: readCorpus(target.name),
    known: live.relay.known,
    coverage,
  });
  runsInAll += report.runs;
  console.log(
    `${target.name}: ${report.runs} inputs, ${coverage.blocks} blocks of code, ${report.fresh.length} inputs led on`,
  );
  if (values.grow) for (const input of report.fresh) keep(target.name, input, 'path');
  if (report.finding === undefined) continue;
  findings++;
  console.log(`  found, kept as ${keep(target.name, report.finding.input, 'crash')}:`, report.finding.error);
}
for (const target of live.targets) await target[Symbol.asyncDispose]?.();
await live.relay[Symbol.asyncDispose]();
console.log(
  `fuzz: ${findings === 0 ? 'ok' : 'FAILED'} seed=${seed} targets=${targets.length} inputs=${runsInAll} findings=${findings}`,
);
process.exitCode = findings === 0 ? 0 : 1;
