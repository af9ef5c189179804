import { describe, expect, it } from 'vitest';
import { ManualTime } from '../../test/manual-time.ts';
import type { UserId } from '../ports/ids.ts';
import { PeerWatch } from './peer-watch.ts';
import { TypingSender } from './typing-sender.ts';

const bob = '00000000-0000-4000-8000-00000000000b' as UserId;
const carol = '00000000-0000-4000-8000-00000000000c' as UserId;

function sender() {
  const time = new ManualTime();
  const told: string[] = [];
  const typing = new TypingSender({
    clock: time,
    timers: time,
    tell: (userId, on) => told.push(`${userId === bob ? 'bob' : 'carol'} ${on}`),
  });
  return { time, told, typing };
}

describe('the sender of typing', () => {
  it('tells a start at once, again every four seconds while it goes on, and the end ten after the last call', () => {
    const { time, told, typing } = sender();
    for (let key = 0; key < 18; key++) {
      typing.set(bob, true);
      time.advance(500);
    }
    expect(told).toEqual(['bob true', 'bob true', 'bob true']);
    time.advance(9_000);
    expect(told).toHaveLength(3);
    time.advance(500);
    expect(told).toEqual(['bob true', 'bob true', 'bob true', 'bob false']);
    expect(time.pending).toBe(0);
  });

  it('tells no more than a start in four seconds, however often it begins and ends; the last word counts', () => {
    const { time, told, typing } = sender();
    for (let round = 0; round < 100; round++) {
      typing.set(bob, true);
      typing.set(bob, false);
    }
    expect(told).toEqual(['bob true', 'bob false']);
    typing.set(bob, true);
    time.advance(3_500);
    expect(told).toHaveLength(2);
    time.advance(500);
    expect(told).toEqual(['bob true', 'bob false', 'bob true']);
  });

  it('keeps people apart, and after stop() tells nothing', () => {
    const { time, told, typing } = sender();
    typing.set(bob, true);
    typing.set(carol, true);
    typing.set(carol, false);
    expect(told).toEqual(['bob true', 'carol true', 'carol false']);
    typing.stop();
    expect(time.pending).toBe(0);
  });
});

describe('the watch over who types', () => {
  it('tells changes only, and forgets who was not heard of for fifteen seconds', () => {
    const time = new ManualTime();
    const told: string[] = [];
    const watch = new PeerWatch(time, 15_000, (userId, on) => told.push(`${userId === bob ? 'bob' : 'carol'} ${on}`));
    watch.heard(bob, false);
    watch.heard(bob, true);
    time.advance(10_000);
    watch.heard(bob, true);
    time.advance(10_000);
    watch.heard(carol, true);
    watch.heard(carol, false);
    expect(told).toEqual(['bob true', 'carol true', 'carol false']);
    time.advance(5_000);
    expect(told.at(-1)).toBe('bob false');
    watch.heard(bob, true);
    watch.stop();
    expect(time.pending).toBe(0);
  });
});
