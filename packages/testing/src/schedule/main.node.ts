import { fork } from 'node:child_process';
import { once } from 'node:events';
import { type ParseArgsConfig, parseArgs } from 'node:util';
import { runSchedule } from './run-schedule.ts';
import { addTallies, emptyTally, type FailedSchedule, type ScheduleTally } from './schedule-tally.ts';
import { ScheduleTemplates } from './schedule-templates.ts';
import { shrinkSchedule } from './shrink-schedule.ts';
import type { SeedRange } from './worker.node.ts';

// npm run schedules -- --count 10000 --from 0       plays seeds, on as many processes as --workers says (2)
// npm run schedules -- --seed N [--shrink]          plays one, and prints everything that happens

const range = 25;
const mostShown = 5;

const usage = `npm run schedules -- [--count N] [--from N] [--length N] [--workers N]
npm run schedules -- --seed N [--shrink]

--count    how many seeds are played (1,000)
--from     the first of them (0)
--length   how many events each schedule has (50)
--workers  on how many processes (2)
--seed     plays one, and prints everything that happens
--shrink   and looks for fewer events that fail in the same way
`;

const { values } = readArguments({
  options: {
    help: { type: 'boolean', short: 'h', default: false },
    count: { type: 'string', default: '1000' },
    from: { type: 'string', default: '0' },
    length: { type: 'string', default: '50' },
    workers: { type: 'string', default: '2' },
    seed: { type: 'string' },
    shrink: { type: 'boolean', default: false },
  },
});

if (values.help) {
  say(usage);
  process.exit(0);
}

/** What was typed wrong is said, with how it is typed right. */
function readArguments<const Config extends ParseArgsConfig>(config: Config): ReturnType<typeof parseArgs<Config>> {
  try {
    return parseArgs(config);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    return refuse(error.message);
  }
}

function refuse(what: string): never {
  process.stderr.write(`schedules: ${what}\n\n${usage}`);
  process.exit(2);
}

/** A whole number of an option. */
function wholeOf(name: 'count' | 'from' | 'length' | 'workers' | 'seed', least: number): number {
  const value = Number(values[name]);
  if (Number.isSafeInteger(value) && value >= least) return value;
  return refuse(`--${name} takes a whole number from ${least}`);
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

async function playOne(seed: number, length: number, shrink: boolean): Promise<boolean> {
  const templates = await ScheduleTemplates.make();
  const options = { seed, template: templates.of(seed), length };
  const outcome = await runSchedule({ ...options, log: say });
  const again = await runSchedule(options);
  say(again.digest === outcome.digest ? `played twice, the same: ${outcome.digest}` : 'PLAYED TWICE, NOT THE SAME');
  if (shrink && outcome.violations.length > 0) {
    const { events, violations } = await shrinkSchedule(options, outcome);
    say(`shortened to ${events.length} events:`);
    for (const event of events) say(`  ${JSON.stringify(event)}`);
    for (const { promise, what } of violations) say(`  ! ${promise} ${what}`);
  }
  return outcome.violations.length === 0 && again.digest === outcome.digest;
}

async function playMany(from: number, count: number, length: number, workers: number): Promise<ScheduleTally> {
  let next = from;
  let sum = emptyTally;
  const end = from + count;
  const began = performance.now();
  await Promise.all(
    Array.from({ length: Math.min(workers, Math.ceil(count / range)) }, async () => {
      const worker = fork(new URL('./worker.node.ts', import.meta.url), [], {
        // Worlds come and go: a large nursery spares copying them.
        execArgv: [...process.execArgv, '--max-semi-space-size=64'],
      });
      const exited = once(worker, 'exit').then(([code]) => {
        throw new Error(`a worker ended with ${String(code)} before its work was done`);
      });
      // It ends when it is told to, after its work.
      exited.catch(() => undefined);
      while (next < end) {
        const seeds: SeedRange = { from: next, count: Math.min(range, end - next), length };
        next += seeds.count;
        worker.send(seeds);
        const [tally] = await Promise.race([once(worker, 'message') as Promise<[ScheduleTally]>, exited]);
        sum = addTallies(sum, tally);
        for (const failed of tally.failed) sayFailed(failed, length);
        if (Math.floor(sum.schedules / 1_000) > Math.floor((sum.schedules - tally.schedules) / 1_000))
          say(`${sum.schedules} of ${count}, ${secondsSince(began)} s`);
      }
      worker.disconnect();
    }),
  );
  say(`${secondsSince(began)} s on ${workers} processes`);
  return sum;
}

function secondsSince(began: number): string {
  return ((performance.now() - began) / 1_000).toFixed(0);
}

function sayFailed({ seed, failedAt, violations }: FailedSchedule, length: number): void {
  say(`seed ${seed} fails ${failedAt === length ? 'in the end' : `after event ${failedAt}`}:`);
  for (const { promise, what } of violations.slice(0, mostShown)) say(`  ${promise} ${what}`);
  say(`  play it again: npm run schedules -- --seed ${seed} --shrink${length === 50 ? '' : ` --length ${length}`}`);
}

function sayTable(name: string, counts: Readonly<Record<string, number>>): void {
  const rows = Object.entries(counts).sort(([, one], [, other]) => other - one);
  say(`${name}: ${rows.map(([what, count]) => `${what} ${count}`).join(', ')}`);
}

if (values.shrink && values.seed === undefined) refuse('--shrink needs the --seed that it is to shorten');
const length = wholeOf('length', 1);
if (values.seed !== undefined) {
  process.exit((await playOne(wholeOf('seed', 0), length, values.shrink)) ? 0 : 1);
}
const { schedules, failed, texts, events, crashes } = await playMany(
  wholeOf('from', 0),
  wholeOf('count', 1),
  length,
  wholeOf('workers', 1),
);
sayTable('events', events);
sayTable('crash points', crashes);
say(
  `texts: ${texts.accepted} promised, ${texts.arrived} arrived, ${texts.late} of them late, ${texts.expired} envelopes had their 30 days`,
);
say(`schedules: ${schedules - failed.length} passed, ${failed.length} failed`);
process.exit(failed.length === 0 ? 0 : 1);
