import { expect, it } from 'vitest';
import { ManualTimers } from '../../test/manual-timers.ts';
import { ResultWatch } from './result-watch.ts';

function watched() {
  const timers = new ManualTimers();
  const sends: string[] = [];
  let overdue = 0;
  const watch = new ResultWatch({ timers, oldest: () => sends[0], onOverdue: () => overdue++ });
  return { timers, sends, watch, overdue: () => overdue };
}

it('tells of a send that has no result when its time is over', () => {
  const { timers, sends, watch, overdue } = watched();
  sends.push('one', 'two');
  watch.start();
  watch.start();
  expect(timers.delays).toEqual([120_000]);
  timers.runAll();
  expect(overdue()).toBe(1);
  expect(timers.delays).toEqual([]);
});

it('goes on as long as results come', () => {
  const { timers, sends, watch, overdue } = watched();
  sends.push('one', 'two');
  watch.start();
  sends.shift();
  timers.runAll();
  expect(overdue()).toBe(0);
  timers.runAll();
  expect(overdue()).toBe(1);
});

it('sets no timer for nothing, and keeps none', () => {
  const { timers, sends, watch } = watched();
  watch.start();
  expect(timers.delays).toEqual([]);
  sends.push('one');
  watch.start();
  watch.stop();
  expect(timers.delays).toEqual([]);
});
