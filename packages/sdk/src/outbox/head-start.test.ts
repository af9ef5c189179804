import { expect, it } from 'vitest';
import { ManualTimers } from '../../test/manual-timers.ts';
import { Departures } from './departures.ts';
import { HeadStart, headStartMs } from './head-start.ts';

function start() {
  const timers = new ManualTimers();
  const departures = new Departures();
  const over: string[] = [];
  const headStart = new HeadStart({ timers, departures }, { onOver: () => over.push('over') });
  return { timers, departures, over, headStart };
}

it('lasts until the last of the rows has left', () => {
  const { timers, departures, over, headStart } = start();
  headStart.give([3, 4]);
  expect(headStart.isOn()).toBe(true);
  departures.left(3);
  departures.left(9);
  expect([headStart.isOn(), over]).toEqual([true, []]);
  departures.left(4);
  expect([headStart.isOn(), over, timers.delays]).toEqual([false, ['over'], []]);
});

it('is over after a while, from when something could have left; and what is slow holds nothing up again', () => {
  const { timers, departures, over, headStart } = start();
  headStart.give([3]);
  expect(timers.delays).toEqual([]);
  headStart.isOn();
  headStart.isOn();
  expect(timers.delays).toEqual([headStartMs]);
  timers.runAll();
  expect([headStart.isOn(), over]).toEqual([false, ['over']]);
  headStart.give([5]);
  departures.left(5);
  departures.left(3);
  expect([headStart.isOn(), over]).toEqual([false, ['over', 'over']]);
});

it('waits for the connection to come back', () => {
  const { timers, over, headStart } = start();
  headStart.give([3]);
  headStart.isOn();
  headStart.pause();
  expect([timers.delays, over]).toEqual([[], []]);
  expect(headStart.isOn()).toBe(true);
  expect(timers.delays).toEqual([headStartMs]);
});
