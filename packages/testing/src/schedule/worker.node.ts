import { runSchedule } from './run-schedule.ts';
import { addTallies, emptyTally, tallyOf } from './schedule-tally.ts';
import { ScheduleTemplates } from './schedule-templates.ts';

// Plays the seeds that its parent sends, and answers with a tally of each range; ends with its parent.

/** A range of seeds. */
export interface SeedRange {
  readonly from: number;
  readonly count: number;
  readonly length: number;
}

// Errors are made by the thousands here and looked at by their codes alone; playing one seed shows their stacks.
Error.stackTraceLimit = 0;

const templates = ScheduleTemplates.make();

async function play({ from, count, length }: SeedRange): Promise<void> {
  const made = await templates;
  let tally = emptyTally;
  for (let seed = from; seed < from + count; seed++) {
    tally = addTallies(tally, tallyOf(await runSchedule({ seed, template: made.of(seed), length })));
  }
  process.send?.(tally);
}

process.on('message', (range: SeedRange) => {
  play(range).catch((error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
    process.exit(1);
  });
});
process.on('disconnect', () => process.exit(0));
