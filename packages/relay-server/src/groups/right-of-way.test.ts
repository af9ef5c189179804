import { expect, it } from 'vitest';
import { someGroup } from '../conformance/group-samples.ts';
import { RightOfWay } from './right-of-way.ts';

const forMs = 5_000;
const pauseMs = 20_000;

it('gives members a while in which nobody who came by itself is faster, once in a while  [security: group-membership]', () => {
  const groupId = someGroup();
  const way = new RightOfWay();
  way.tooLate(groupId, 2, 0);
  expect(way.waitOf(groupId, 0)).toBe(0);
  way.passed(groupId, 2, false);
  way.tooLate(groupId, 1, 0);
  expect(way.waitOf(groupId, 0)).toBe(0);
  way.tooLate(groupId, 2, 0);
  expect([way.waitOf(groupId, 0), way.waitOf(groupId, 4_000), way.waitOf(groupId, forMs)]).toEqual([forMs, 1_000, 0]);
  expect(way.waitOf(someGroup(), 0)).toBe(0);
  // The member is through: nobody waits any longer, and it is not given at once again.
  way.passed(groupId, 3, true);
  expect(way.waitOf(groupId, 0)).toBe(0);
  way.passed(groupId, 4, false);
  way.tooLate(groupId, 4, forMs + pauseMs - 1);
  expect(way.waitOf(groupId, forMs + pauseMs - 1)).toBe(0);
  way.tooLate(groupId, 4, forMs + pauseMs);
  expect(way.waitOf(groupId, forMs + pauseMs)).toBe(forMs);
});

it('keeps nobody out when the clock is set back', () => {
  const groupId = someGroup();
  const way = new RightOfWay();
  way.passed(groupId, 2, false);
  way.tooLate(groupId, 2, 1_000_000);
  expect(way.waitOf(groupId, 500_000)).toBe(0);
  way.tooLate(groupId, 2, 500_000);
  expect(way.waitOf(groupId, 500_000)).toBe(forMs);
});
