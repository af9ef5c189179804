import { expect, it } from 'vitest';
import { chooseProtocol } from './protocol-range.ts';

it.each([
  [1, 1, 1],
  [0, 9, 1],
  [1, 3, 1],
  [2, 3, undefined],
  [0, 0, undefined],
  [2, 1, undefined],
])('a client of %i to %i gets %s', (min, max, chosen) => {
  expect(chooseProtocol(min, max)).toBe(chosen);
});
