import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type SharingMember, stickyShares } from './sticky-shares.ts';

/** A group that shares until nobody has anything to give up; what moves in a round is owned by nobody in it. */
function settle(names: readonly string[], before: ReadonlyMap<string, readonly number[]>, count: number) {
  let members: readonly SharingMember[] = names.map((id) => ({
    id,
    topics: ['mail'],
    owned: (before.get(id) ?? []).map((partition) => ({ topic: 'mail', partition })),
    generation: 1,
  }));
  let rounds = 0;
  for (;;) {
    const shares = stickyShares(members, new Map([['mail', count]]));
    rounds += 1;
    // Nobody is given what another one claims.
    for (const { id } of members) {
      for (const { partition } of shares.get(id) ?? []) {
        const others = members.filter((other) => other.id !== id);
        expect(others.some(({ owned }) => owned.some((claim) => claim.partition === partition))).toBe(false);
      }
    }
    const gaveUp = members.some(({ id, owned }) =>
      owned.some(({ partition }) => !shares.get(id)?.some((share) => share.partition === partition)),
    );
    members = members.map((member) => ({ ...member, owned: shares.get(member.id) ?? [] }));
    if (!gaveUp) return { members, rounds };
  }
}

const groups = fc
  .record({
    names: fc.uniqueArray(fc.stringMatching(/^[a-z]{1,6}$/), { minLength: 1, maxLength: 7 }),
    count: fc.integer({ min: 1, max: 40 }),
    owners: fc.infiniteStream(fc.nat(9)),
  })
  .map(({ names, count, owners }) => {
    const before = new Map<string, number[]>(names.map((name) => [name, []]));
    for (let partition = 0; partition < count; partition += 1) {
      before.get(names[owners.next().value ?? 0] ?? '')?.push(partition);
    }
    return { names, count, before };
  });

describe('stickyShares', () => {
  it('gives every partition to one member, evenly, in at most two rounds, and moves no more than it has to', () => {
    fc.assert(
      fc.property(groups, ({ names, count, before }) => {
        const { members, rounds } = settle(names, before, count);
        expect(members.flatMap(({ owned }) => owned.map(({ partition }) => partition)).sort((a, b) => a - b)).toEqual(
          Array.from({ length: count }, (_, partition) => partition),
        );
        const sizes = members.map(({ owned }) => owned.length);
        expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
        expect(rounds).toBeLessThanOrEqual(2);
        const kept = members.map(
          ({ id, owned }) => owned.filter(({ partition }) => before.get(id)?.includes(partition)).length,
        );
        for (const [index, { id, owned }] of members.entries()) {
          expect(kept[index]).toBe(Math.min(owned.length, before.get(id)?.length ?? 0));
        }
      }),
    );
  });

  it('shares each topic evenly, and the odd ones of all topics too', () => {
    const members = ['a', 'b', 'c'].map((id) => ({ id, topics: ['one', 'two', 'three'], owned: [], generation: 1 }));
    const shares = stickyShares(
      members,
      new Map([
        ['one', 64],
        ['two', 64],
        ['three', 64],
      ]),
    );
    for (const topic of ['one', 'two', 'three']) {
      const sizes = members.map(({ id }) => shares.get(id)?.filter((share) => share.topic === topic).length ?? 0);
      expect([...sizes].sort()).toEqual([21, 21, 22]);
    }
    expect(members.map(({ id }) => shares.get(id)?.length)).toEqual([64, 64, 64]);
  });

  it('gives no topic to who does not read it', () => {
    const members = [
      { id: 'a', topics: ['one'], owned: [], generation: 1 },
      { id: 'b', topics: ['two'], owned: [{ topic: 'one', partition: 0 }], generation: 1 },
    ];
    const shares = stickyShares(
      members,
      new Map([
        ['one', 2],
        ['two', 1],
        ['three', 4],
      ]),
    );
    expect(shares.get('a')).toEqual([
      { topic: 'one', partition: 0 },
      { topic: 'one', partition: 1 },
    ]);
    expect(shares.get('b')).toEqual([{ topic: 'two', partition: 0 }]);
  });

  it('believes the later of two claims, and of two equal ones none', () => {
    const owned = [{ topic: 'mail', partition: 0 }];
    const counts = new Map([['mail', 1]]);
    const late = stickyShares(
      [
        { id: 'a', topics: ['mail'], owned, generation: 4 },
        { id: 'b', topics: ['mail'], owned, generation: 5 },
      ],
      counts,
    );
    expect([late.get('a'), late.get('b')]).toEqual([[], owned]);
    const equal = stickyShares(
      [
        { id: 'a', topics: ['mail'], owned, generation: 5 },
        { id: 'b', topics: ['mail'], owned, generation: 5 },
      ],
      counts,
    );
    expect([equal.get('a'), equal.get('b')]).toEqual([[], []]);
  });
});
