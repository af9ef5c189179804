import { expect, it } from 'vitest';
import type { Randomness } from '../ports/randomness.ts';
import { firstRequestAt } from './retry-asker.ts';

const latest: Pick<Randomness, 'fraction'> = { fraction: () => 1 };
const waitFor = (reason: 'undecryptable' | 'no-sender-key' | 'group-head-unknown', attempt: number) =>
  (firstRequestAt(reason, attempt, 1_000, latest as Randomness) ?? 0) - 1_000;

it('asks soon for what could not be opened, whichever attempt it was; for what waits for a key, when that could have come', () => {
  expect([1, 2, 3].map((attempt) => waitFor('undecryptable', attempt))).toEqual([2_000, 2_000, 2_000]);
  expect(waitFor('no-sender-key', 2)).toBe(22_000);
});

it('asks less and less soon whom an answer shows to be behind in the group', () => {
  const hours = 3_600_000;
  expect([0, 1, 2, 3, 9].map((attempt) => waitFor('group-head-unknown', attempt))).toEqual([
    2_000,
    2_000,
    600_000,
    6 * hours,
    6 * hours,
  ]);
});
