import { expect, it } from 'vitest';
import { ManualTimers } from '../../test/manual-timers.ts';
import { ResultWatch } from './result-watch.ts';

function watched() {
  const timers = new ManualTimers();
  const sends: string[] = [];
  const told: string[] = [];
  const watch = new ResultWatch({
    timers,
    oldest: () => sends[0],
    onSlow: () => told.push('slow'),
    onOverdue: () => told.push('overdue'),
  });
  return { timers, sends, watch, told };
}

it('tells of a send that has no result after 15 seconds, and after two minutes', () => {
  const { timers, sends, watch, told } = watched();
  sends.push('one', 'two');
  watch.start();
  watch.start();
  expect(timers.delays).toEqual([15_000]);
  timers.runAll();
  expect(told).toEqual(['slow']);
  expect(timers.delays).toEqual([105_000]);
  timers.runAll();
  expect(told).toEqual(['slow', 'overdue']);
  expect(timers.delays).toEqual([]);
});

it('goes on as long as results come', () => {
  const { timers, sends, watch, told } = watched();
  sends.push('one', 'two', 'three');
  watch.start();
  sends.shift();
  timers.runAll();
  expect(told).toEqual([]);
  timers.runAll();
  expect(told).toEqual(['slow']);
  sends.shift();
  timers.runAll();
  expect(told).toEqual(['slow']);
  expect(timers.delays).toEqual([15_000]);
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
