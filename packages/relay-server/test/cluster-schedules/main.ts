import { runSchedule } from './run-schedule.ts';

// node packages/relay-server/test/cluster-schedules/main.ts [count] [from]      plays seeds
// node packages/relay-server/test/cluster-schedules/main.ts --seed N            plays one, and prints it

const [first, second] = process.argv.slice(2);
if (first === '--seed') {
  const outcome = await runSchedule(Number(second), (line) => console.log(line));
  console.log(outcome.violation ?? 'no violation');
  process.exitCode = outcome.violation === undefined ? 0 : 1;
} else {
  const [count, from] = [Number(first ?? 1_000), Number(second ?? 0)];
  const struck = new Set<string>();
  let [failed, records, deliveries, repeated] = [0, 0, 0, 0];
  for (let seed = from; seed < from + count; seed++) {
    const outcome = await runSchedule(seed);
    for (const what of outcome.struck) struck.add(what);
    records += outcome.records;
    deliveries += outcome.deliveries;
    repeated += outcome.repeated;
    if (outcome.violation === undefined) continue;
    failed++;
    console.log(`seed ${seed}: ${outcome.violation}`);
  }
  console.log(
    `${count} schedules, ${failed} failed; ${records} records, ${deliveries} deliveries, ${repeated} of them again`,
  );
  console.log(`struck: ${[...struck].sort().join(', ')}`);
  process.exitCode = failed === 0 ? 0 : 1;
}
