import { expect, it } from 'vitest';
import { readSoakOptions } from './soak-options.ts';

it.each([
  [['--rate', '-5'], '--rate is a number from 1 to 10,000'],
  [['--rate=-5'], '--rate is a number from 1 to 10,000'],
  [['--seed', '-1'], '--seed is a whole number from 0'],
  [['--minutes', '0'], '--minutes is a number above 0, up to a day'],
])('%j is refused by what the number may be', (args, wrong) => {
  expect(readSoakOptions(args)).toEqual({ wrong });
});

it('takes that nobody has further devices', () => {
  expect([[], ['--one-device']].map((args) => readSoakOptions(args))).toMatchObject([
    { oneDevice: false },
    { oneDevice: true },
  ]);
});

it('takes numbers that may be', () => {
  expect(readSoakOptions(['--rate', '5', '--seed', '3'])).toMatchObject({ rate: 5, seed: 3 });
});
