import { parseArgs } from 'node:util';
import { faults, type PlantedBug, plantedBugs } from './fault.ts';
import { runSchedule } from './run-schedule.ts';

// npm run dispatch-sim -- --schedules 10000 --from 0      plays seeds
// npm run dispatch-sim -- --seed N [--trace]              plays one
// npm run dispatch-sim -- --planted                       how soon each planted bug is found

const usage = `npm run dispatch-sim -- [--schedules N] [--from N] [--bug NAME]
npm run dispatch-sim -- --seed N [--trace] [--bug NAME]
npm run dispatch-sim -- --planted

--schedules  how many seeds are played (10,000)
--seconds    stops after so many seconds, if they are not enough for all
--from       the first of them (0)
--bug        with a planted bug: ${plantedBugs.join(', ')}
--seed       plays one
--trace      and prints everything that happens
--planted    plays with each planted bug until it is found
`;

const { values } = parseArgs({
  options: {
    help: { type: 'boolean', short: 'h', default: false },
    schedules: { type: 'string', default: '10000' },
    from: { type: 'string', default: '0' },
    seconds: { type: 'string' },
    seed: { type: 'string' },
    trace: { type: 'boolean', default: false },
    bug: { type: 'string' },
    planted: { type: 'boolean', default: false },
  },
});

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

function refuse(what: string): never {
  process.stderr.write(`dispatch-sim: ${what}\n\n${usage}`);
  process.exit(2);
}

function wholeOf(name: 'schedules' | 'from' | 'seed' | 'seconds', least: number): number {
  const value = Number(values[name]);
  if (Number.isSafeInteger(value) && value >= least) return value;
  return refuse(`--${name} takes a whole number from ${least}`);
}

function bugOf(name: string | undefined): PlantedBug | undefined {
  if (name === undefined) return undefined;
  return plantedBugs.find((bug) => bug === name) ?? refuse(`there is no bug ${name}`);
}

if (values.help) {
  say(usage);
  process.exit(0);
}
const bug = bugOf(values.bug);
if (values.planted) {
  const most = wholeOf('schedules', 1);
  let missed = 0;
  for (const planted of plantedBugs) {
    let seed = wholeOf('from', 0);
    const end = seed + most;
    let found: string | undefined;
    while (found === undefined && seed < end) found = runSchedule({ seed: seed++, bug: planted }).violation;
    if (found === undefined) missed++;
    say(
      found === undefined
        ? `${planted}: NOT FOUND in ${most}`
        : `${planted}: found by schedule ${seed - wholeOf('from', 0)}: ${found}`,
    );
  }
  process.exit(missed === 0 ? 0 : 1);
}
if (values.seed !== undefined) {
  const seed = wholeOf('seed', 0);
  const { violation, events } = runSchedule({ seed, bug, say: values.trace ? say : undefined });
  say(`seed ${seed}: ${events} events, ${violation ?? 'no violation'}`);
  process.exit(violation === undefined ? 0 : 1);
}

const from = wholeOf('from', 0);
const most = wholeOf('schedules', 1);
const seconds = values.seconds === undefined ? Number.POSITIVE_INFINITY : wholeOf('seconds', 1);
let count = 0;
const strikes = new Map<string, number>(faults.map((fault) => [fault, 0]));
const crashes = new Map<string, number>();
let failed = 0;
let events = 0;
let records = 0;
let calm = 0;
let fewest = Number.POSITIVE_INFINITY;
const began = performance.now();
for (let seed = from; seed < from + most && performance.now() - began < seconds * 1_000; seed++) {
  count++;
  const outcome = runSchedule({ seed, bug });
  events += outcome.events;
  records += outcome.records;
  fewest = Math.min(fewest, outcome.events);
  if (outcome.calm) calm++;
  for (const fault of outcome.struck) strikes.set(fault, (strikes.get(fault) ?? 0) + 1);
  for (const effect of outcome.crashes) crashes.set(effect, (crashes.get(effect) ?? 0) + 1);
  if (outcome.violation !== undefined) {
    failed++;
    if (failed <= 10)
      say(
        `seed ${seed}: ${outcome.violation}\n  play it again: npm run dispatch-sim -- --seed ${seed} --trace${bug === undefined ? '' : ` --bug ${bug}`}`,
      );
  }
}
const { user, system } = process.cpuUsage();
const took = (performance.now() - began) / 1_000;

function table(name: string, counts: ReadonlyMap<string, number>): void {
  const rows = [...counts].sort(([, one], [, other]) => other - one);
  say(`${name}: ${rows.map(([what, times]) => `${what} ${times}`).join(', ')}`);
}

table('schedules with fault', strikes);
table('died before effect', crashes);
say(`${events} events, at least ${fewest} a schedule, ${records} records, ${calm} schedules without any fault`);
say(
  `${took.toFixed(1)} s, ${Math.round(count / took)} schedules/s; ${Math.round((count * 1_000_000) / (user + system))} per second of processor time`,
);
say(`dispatch-sim: ${count - failed} passed, ${failed} failed`);
process.exit(failed === 0 ? 0 : 1);
