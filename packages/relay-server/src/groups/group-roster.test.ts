import { describe, expect, it } from 'vitest';
import { MemoryRelayDisk } from '../adapters/memory/memory-relay-disk.ts';
import { memoryStores } from '../adapters/memory/memory-stores.ts';
import { change, made, someGroup } from '../conformance/group-samples.ts';
import { someUser } from '../conformance/samples.ts';
import { settableClock } from '../conformance/settable-clock.ts';
import type { GroupId } from '../ports/ids.ts';
import { GroupRoster } from './group-roster.ts';

/** A store that counts what it is asked for, and can be held up. */
function countedGroups() {
  const { groups } = memoryStores({ clock: settableClock(), disk: new MemoryRelayDisk() });
  const counts = { asked: 0, unchanged: 0 };
  let before: () => Promise<unknown> = async () => undefined;
  const counted = {
    async membersSince(groupId: GroupId, version: string | undefined) {
      counts.asked++;
      const now = await groups.membersSince(groupId, version);
      if (now === 'unchanged') counts.unchanged++;
      await before();
      return now;
    },
  };
  return {
    groups,
    counts,
    counted,
    afterRead(body: () => Promise<unknown>) {
      before = async () => {
        before = async () => undefined;
        await body();
      };
    },
  };
}

describe('GroupRoster', () => {
  it('alone, reads once, and gives what it has without waiting', async () => {
    const { groups, counted, counts } = countedGroups();
    const roster = new GroupRoster(counted);
    const [alice, bob] = [someUser(), someUser()];
    const groupId = await made(groups, [alice, bob]);
    expect(roster.cached(groupId)).toBe(undefined);
    for (const time of [1, 2]) expect([time, await roster.members(groupId)]).toEqual([time, new Set([alice, bob])]);
    expect(roster.cached(groupId)).toEqual(new Set([alice, bob]));
    expect(counts.asked).toBe(1);
    await groups.append(change(groupId, 2, alice, { removed: [bob] }));
    roster.forget(groupId);
    expect(await roster.members(groupId)).toEqual(new Set([alice]));
    roster.forgetUser(alice);
    expect(roster.cached(groupId)).toBe(undefined);
  });

  it('alone, keeps nothing that was read before the group changed', async () => {
    const { groups, counted, afterRead } = countedGroups();
    const roster = new GroupRoster(counted);
    const [alice, bob] = [someUser(), someUser()];
    const groupId = await made(groups, [alice, bob]);
    afterRead(async () => {
      await groups.append(change(groupId, 2, alice, { removed: [bob] }));
      roster.forget(groupId);
    });
    await roster.members(groupId);
    expect(roster.cached(groupId)).toBe(undefined);
    expect(await roster.members(groupId)).toEqual(new Set([alice]));
  });

  it('beside others, sees at once whom another node has removed  [security: removed-member]', async () => {
    const { groups, counted, counts } = countedGroups();
    const roster = new GroupRoster(counted, 'others-too');
    const [alice, bob] = [someUser(), someUser()];
    const groupId = await made(groups, [alice, bob]);
    for (const time of [1, 2, 3]) expect([time, await roster.members(groupId)]).toEqual([time, new Set([alice, bob])]);
    expect(counts).toEqual({ asked: 3, unchanged: 2 });
    expect(roster.cached(groupId)).toBe(undefined);
    await groups.append(change(groupId, 2, alice, { removed: [bob] }));
    expect(await roster.members(groupId)).toEqual(new Set([alice]));
    expect(await roster.members(groupId)).toEqual(new Set([alice]));
    expect(counts).toEqual({ asked: 5, unchanged: 3 });
  });

  it('beside others, what was read late does not stay', async () => {
    const { groups, counted, afterRead } = countedGroups();
    const roster = new GroupRoster(counted, 'others-too');
    const [alice, bob] = [someUser(), someUser()];
    const groupId = await made(groups, [alice, bob]);
    afterRead(async () => {
      await groups.append(change(groupId, 2, alice, { removed: [bob] }));
      expect(await roster.members(groupId)).toEqual(new Set([alice]));
    });
    await roster.members(groupId);
    expect(await roster.members(groupId)).toEqual(new Set([alice]));
    expect(await roster.members(someGroup())).toEqual(new Set());
  });
});
