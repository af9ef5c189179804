import { expect, it } from 'vitest';
import { Memberships } from './memberships.ts';

const groupId = 'group';

function membersOf(...times: readonly (readonly [string, number, number?])[]): Memberships {
  const memberships = new Memberships();
  for (const [userId, joinedAt, leftAt] of times) {
    memberships.add({ groupId, userId, joinedAt, leftAt });
  }
  return memberships;
}

it('a message is for those who were members when it was sealed, and stayed', () => {
  const memberships = membersOf(['a', 1], ['b', 1], ['c', 3]);
  expect(memberships.audience(groupId, 'a', 2)).toEqual({ receivers: ['b'], others: ['c'] });
  expect(memberships.audience(groupId, 'a', 3)).toEqual({ receivers: ['b', 'c'], others: [] });
});

it('whoever was put out later may have it, and whoever had been put out before must not', () => {
  const memberships = membersOf(['a', 1], ['b', 1], ['c', 1], ['c', 1, 5]);
  expect(memberships.audience(groupId, 'a', 4)).toEqual({ receivers: ['b'], others: ['c'] });
  expect(memberships.audience(groupId, 'a', 5)).toEqual({ receivers: ['b'], others: [] });
  const again = membersOf(['a', 1], ['b', 1], ['c', 1, 5], ['c', 7]);
  expect(again.audience(groupId, 'a', 4)).toEqual({ receivers: ['b'], others: ['c'] });
  expect(again.audience(groupId, 'a', 7)).toEqual({ receivers: ['b', 'c'], others: [] });
  expect(again.counts()).toEqual({ groups: 1, came: 1, went: 1 });
});

it('of a sender who is out of the group nobody has to have anything', () => {
  const memberships = membersOf(['a', 1, 3], ['b', 1]);
  expect(memberships.audience(groupId, 'a', 2)).toEqual({ receivers: [], others: ['b'] });
});
