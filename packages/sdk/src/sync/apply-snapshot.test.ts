import { GroupWelcome } from '@sotto/proto';
import { expect, it } from 'vitest';
import { groupOfPeers } from '../../test/group-peer.ts';
import { locksOfGroup } from '../groups/keep-group.ts';
import { keyOfState, keySource, positionOf } from '../groups/stored-group.ts';
import { writeWelcome } from '../groups/welcome.ts';
import type { Applied, Arrival } from '../messages/arrival.ts';
import { applySnapshot } from './apply-snapshot.ts';

it('is known to have come with its last part', async () => {
  const { owner } = await groupOfPeers(2);
  const { executor, store, account, origin } = owner.device;
  await executor.run([], (overlay) => overlay.put('account', { ...account, hasSnapshot: false }));
  const apply = (complete: boolean) =>
    executor.run([], (overlay) => {
      const arrival = { overlay, account, origin: origin(), locks: [], now: 1 } as unknown as Arrival;
      return applySnapshot(arrival, { contacts: [], chats: [], groups: [], complete });
    });
  await apply(false);
  expect(await store.get('account', {})).toMatchObject({ hasSnapshot: false });
  await apply(true);
  expect(await store.get('account', {})).toMatchObject({ hasSnapshot: true });
});

it('names the groups that a device knows by a snapshot: what came to them before it waits for that', async () => {
  const { owner, others, groupId } = await groupOfPeers(2);
  const { executor, store, account, origin } = owner.device;
  const group = await owner.group(groupId);
  const at = positionOf(group);
  const key = at && keyOfState(at.state, keySource(await store.groupKeys(groupId)));
  if (at === undefined || key === undefined) throw new Error('the owner knows the group');
  const welcome = GroupWelcome.decode(GroupWelcome.encode(writeWelcome({ at, key })));
  const locks = locksOfGroup(
    groupId,
    [owner, ...others].map(({ userId }) => userId),
  );
  const apply = (): Promise<Applied> =>
    executor.run([...locks], (overlay) => {
      const arrival = { overlay, account, origin: origin(), locks, now: 1 } as unknown as Arrival;
      return applySnapshot(arrival, { contacts: [], chats: [], groups: [{ welcome }], complete: false });
    });
  expect(await apply()).toMatchObject({ group: groupId, groupsBegun: [] });
  // A device of the same account that was linked just now.
  await executor.run([], (overlay) => overlay.delete('group', { id: groupId }));
  expect(await apply()).toMatchObject({ group: groupId, groupsBegun: [groupId] });
  expect(await owner.group(groupId)).toMatchObject({ standing: 'member' });
});
