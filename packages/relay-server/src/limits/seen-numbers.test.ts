import { expect, it } from 'vitest';
import { someNumber } from '../conformance/samples.ts';
import { SeenNumbers } from './seen-numbers.ts';

it('remembers nobody who looked up nothing', () => {
  const seen = new SeenNumbers();
  const number = someNumber();
  for (let asker = 0; asker < 100; asker++) seen.add(`asker ${asker}`, []);
  expect(seen.askers).toBe(0);
  seen.add('asker 1', [number]);
  seen.add('asker 1', []);
  expect([seen.askers, seen.countNew('asker 1', [number, someNumber()])]).toEqual([1, 1]);
});
