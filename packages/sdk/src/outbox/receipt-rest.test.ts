import { expect, it } from 'vitest';
import { ManualTimers } from '../../test/manual-timers.ts';
import { userIdOf } from '../../test/numbered-uuid.ts';
import type { UserId } from '../ports/ids.ts';
import { ReceiptRest } from './receipt-rest.ts';

it('receipts rest for five seconds from the first one on, and leave together', () => {
  const timers = new ManualTimers();
  const over: UserId[] = [];
  const rest = new ReceiptRest({ timers, onOver: (userId) => over.push(userId) });
  for (const user of [1, 2, 1]) rest.add(userIdOf(user));
  expect([timers.delays, over]).toEqual([[5_000], []]);
  timers.runAll();
  expect(over).toEqual([userIdOf(1), userIdOf(2)]);
  rest.add(userIdOf(3));
  rest.stop();
  rest.stop();
  expect([timers.delays, over.length]).toEqual([[], 2]);
});
