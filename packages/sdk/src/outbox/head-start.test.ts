import { expect, it } from 'vitest';
import { ManualTimers } from '../../test/manual-timers.ts';
import { MovingClock } from '../../test/moving-clock.ts';
import { Departures } from './departures.ts';
import { HeadStart, headStartMs } from './head-start.ts';

const message = (visible = true): Parameters<HeadStart['give']>[0] => ({ record: { visible } });

function start() {
  const clock = new MovingClock();
  const timers = new ManualTimers();
  const departures = new Departures();
  const over: string[] = [];
  const headStart = new HeadStart({ clock, timers, departures }, { onOver: () => over.push('over') });
  return { clock, timers, departures, over, headStart };
}

it('lasts until the last of the rows has left', () => {
  const { timers, departures, over, headStart } = start();
  headStart.give(message(), [3, 4]);
  expect(headStart.holds([3, 4])).toBe(true);
  departures.left(3, 'taken');
  departures.left(9, 'taken');
  expect([headStart.isOn(), over]).toEqual([true, []]);
  departures.left(4, 'taken');
  expect([headStart.isOn(), over, timers.delays]).toEqual([false, ['over'], []]);
});

it('is over after a while, from when something could have left; and what is slow holds nothing up again', () => {
  const { timers, departures, over, headStart } = start();
  headStart.give(message(), [3]);
  expect([headStart.isOn(), timers.delays]).toEqual([false, []]);
  headStart.holds([3]);
  headStart.holds([3]);
  expect(timers.delays).toEqual([headStartMs]);
  timers.runAll();
  expect([headStart.holds([3]), over]).toEqual([false, ['over']]);
  headStart.give(message(), [5]);
  departures.left(5, 'taken');
  departures.left(3, 'taken');
  expect([headStart.isOn(), over]).toEqual([false, ['over']]);
});

it('is as long over connections that are lost as over one', () => {
  const { clock, timers, over, headStart } = start();
  headStart.give(message(), [3]);
  for (let round = 0; round < 4; round++) {
    expect(headStart.holds([3])).toBe(true);
    expect(timers.delays).toEqual([headStartMs - round * 500]);
    headStart.pause();
    expect(timers.delays).toEqual([]);
    clock.advance(500);
  }
  expect([headStart.holds([3]), over]).toEqual([false, []]);
});

it('is no longer for what has waited, whatever is to leave behind it', () => {
  const { clock, headStart } = start();
  headStart.give(message(), [3]);
  headStart.holds([3]);
  clock.advance(headStartMs);
  headStart.give(message(), [4]);
  expect([headStart.holds([3]), headStart.holds([3, 4])]).toEqual([false, true]);
  clock.advance(-86_400_000);
  clock.advance(headStartMs);
  expect(headStart.holds([4])).toBe(true);
  clock.advance(headStartMs);
  expect(headStart.holds([4])).toBe(false);
});

it('ends when something must leave now', () => {
  const { timers, over, headStart } = start();
  headStart.give(message(), [3]);
  headStart.holds([3]);
  headStart.end();
  expect([headStart.isOn(), headStart.holds([3]), over, timers.delays]).toEqual([false, false, ['over'], []]);
});

it('is given by messages alone, to all keys that have not left: what else goes to the group goes at once', () => {
  const { departures, headStart } = start();
  const [news, first, second] = [message(false), message(), message()];
  headStart.give(news, [3]);
  headStart.give(first, [4]);
  headStart.give(second);
  expect([news.keys, first.keys, second.keys]).toEqual([[], [3, 4], [3, 4]]);
  departures.left(3, 'taken');
  headStart.give(second);
  const third = message();
  headStart.give(third);
  expect([second.keys, third.keys]).toEqual([[3, 4], [4]]);
});
