import { expect, it } from 'vitest';
import { readSoakOptions } from './soak-options.ts';

it.each([
  [['--rate', '-5'], '--rate is a number from 1 to 10,000'],
  [['--rate=-5'], '--rate is a number from 1 to 10,000'],
  [['--seed', '-1'], '--seed is a whole number from 0'],
  [['--minutes', '0'], '--minutes is a number above 0, up to a day'],
  [['--cluster', '--brokers', '2'], '--brokers is 1 or 3'],
  [['--cluster', '--nodes', '0'], '--nodes is 1 or 3'],
  [['--cluster', '--ports', '80'], '--ports is a whole number from 1024 to 64,000'],
  [['--brokers', '3'], '--brokers is for --cluster'],
  [['--rolling'], '--rolling is for --cluster'],
  [['--cluster', '--planted', 'sync-left-out'], '--planted is for a relay of one process'],
])('%j is refused by what the number may be', (args, wrong) => {
  expect(readSoakOptions(args)).toEqual({ wrong });
});

it('takes that nobody has further devices', () => {
  expect([[], ['--one-device']].map((args) => readSoakOptions(args))).toMatchObject([
    { oneDevice: false },
    { oneDevice: true },
  ]);
});

it('takes a cluster, of three of each unless it is told otherwise', () => {
  const usual = { brokers: 3, nodes: 3, ports: 23_000, engines: undefined, rolling: false };
  expect(readSoakOptions(['--cluster'])).toMatchObject({ cluster: usual, rate: 100 });
  const args = '--cluster --brokers 1 --nodes 1 --ports 27000 --engines a --rolling'.split(' ');
  const cluster = { brokers: 1, nodes: 1, ports: 27_000, engines: 'a', rolling: true };
  expect(readSoakOptions(args)).toMatchObject({ cluster });
  expect(readSoakOptions([])).toMatchObject({ cluster: undefined });
});

it('takes numbers that may be', () => {
  expect(readSoakOptions(['--rate', '5', '--seed', '3'])).toMatchObject({ rate: 5, seed: 3 });
});
