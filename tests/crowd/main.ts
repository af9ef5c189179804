import { Crowd } from './crowd.ts';
import { readCrowdOptions, usage } from './crowd-options.ts';

const options = readCrowdOptions(process.argv.slice(2));
if (options === 'help') {
  process.stdout.write(usage);
} else if ('wrong' in options) {
  process.stderr.write(`crowd: ${options.wrong}\n${usage}`);
  process.exitCode = 2;
} else {
  const { lines, problems } = await Crowd.run(options, (line) => console.log(line));
  for (const line of lines) console.log(line);
  for (const problem of problems) console.log(`problem: ${problem}`);
  const { messages, people, devices, seed } = options;
  const verdict = problems.length === 0 ? 'ok' : 'FAILED';
  console.log(
    `crowd: ${verdict} messages=${messages} people=${people} devices=${devices} problems=${problems.length} seed=${seed}`,
  );
  process.exitCode = problems.length === 0 ? 0 : 1;
}
