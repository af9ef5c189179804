import { allBenches } from './all-benches.ts';
import type { Bench } from './bench.ts';
import { clusterBench } from './cluster.ts';
import { groupBench } from './group.ts';
import { idleBench } from './idle.ts';
import { mailboxBench } from './mailbox.ts';
import { readCommand } from './options.ts';
import { peersBench } from './peers.ts';
import { relayBench } from './relay.ts';
import { sdkReceiveBench } from './sdk-receive.ts';
import { sdkSendBench } from './sdk-send.ts';
import { sealedBench } from './sealed.ts';
import { stormBench } from './storm.ts';
import { wasmBench } from './wasm.ts';

const benches: readonly Bench[] = [
  sdkSendBench,
  sdkReceiveBench,
  relayBench,
  mailboxBench,
  idleBench,
  groupBench,
  sealedBench,
  wasmBench,
  stormBench,
  peersBench,
  clusterBench,
];

const list = `npm run bench -- NAME [--seconds N | --rounds N] [--messages N]

${benches.map(({ name, summary }) => `  ${name.padEnd(12)} ${summary}`).join('\n')}
  ${'all'.padEnd(12)} one after the other, each in a process of its own; --report writes docs/benchmarks.md

--seconds   how long to measure, about; --rounds   how many rounds; --messages   how many messages a round
(idle, storm: how many connections). The last line of a run is its result as JSON.
`;

const say = (line: string) => process.stdout.write(`${line}\n`);
const command = readCommand(process.argv.slice(2));
const bench = command.type === 'run' ? benches.find(({ name }) => name === command.name) : undefined;
if (command.type === 'list') {
  process.stdout.write(list);
} else if (command.type === 'all') {
  for (const { name, missing } of benches) {
    const reason = missing?.();
    if (reason !== undefined) say(`all: without ${name}: ${reason}`);
  }
  const names = benches.filter(({ missing }) => missing?.() === undefined).map(({ name }) => name);
  const results = await allBenches(names, command, say);
  say(JSON.stringify(results));
} else if (bench === undefined || command.type === 'wrong') {
  const message = command.type === 'wrong' ? command.message : `there is no bench "${command.name}"`;
  process.stderr.write(`bench: ${message}\n${list}`);
  process.exitCode = 2;
} else if (bench.missing?.() !== undefined) {
  process.stderr.write(`bench: ${bench.name}: ${bench.missing()}\n`);
  process.exitCode = 1;
} else {
  const result = await bench.run(command.options, say);
  say(JSON.stringify(result));
}
