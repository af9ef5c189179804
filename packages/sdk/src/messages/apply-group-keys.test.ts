import { expect, it } from 'vitest';
import { type GroupPeer, groupOfPeers } from '../../test/group-peer.ts';
import { randomness } from '../../test/test-device.ts';
import { newGroupKey } from '../groups/group-cipher.ts';
import { writeGroupKeys } from '../groups/group-keys.ts';
import { addHiddenContent } from '../outbox/hidden-row.ts';

it('keys that no record names do not fill the store, and keep away none that a record names  [security: group-membership]', async () => {
  const { owner, others, groupId, wireId } = await groupOfPeers(4);
  const [mallory, gone, bob] = others as [GroupPeer, GroupPeer, GroupPeer];
  const { executor, origin } = mallory.device;
  for (let round = 0; round < 6; round++) {
    const keys = Array.from({ length: 64 }, (_, at) => ({ keyEpoch: 2 + at, key: newGroupKey(randomness) }));
    await executor.run([], (overlay) => {
      addHiddenContent(overlay, origin(), bob.userId, { groupKeys: writeGroupKeys(wireId, keys) }, 1);
    });
  }
  await mallory.handTo(bob);
  expect(await bob.device.store.groupKeys(groupId)).toHaveLength(1 + 4 * 64);
  await owner.change(groupId, { type: 'remove-members', userIds: [gone.userId] });
  await owner.change(groupId, { type: 'set-title', title: 'Under a new key' });
  const second = await secondKey(owner, groupId);
  const { keyEpoch, keyCommitment } = second;
  // Too early: there is no room, and no record yet that names it.
  await owner.handTo(bob);
  expect(await bob.device.store.get('groupKey', { groupId, keyEpoch, keyCommitment })).toBeUndefined();
  await bob.follow(groupId);
  expect(await bob.group(groupId)).toMatchObject({ waitingFor: { keyEpoch } });
  const again = { groupKeys: writeGroupKeys(wireId, [second]) };
  await owner.device.executor.run([], (overlay) => {
    addHiddenContent(overlay, owner.device.origin(), bob.userId, again, 1);
  });
  await owner.handTo(bob);
  expect(await bob.group(groupId)).toMatchObject({ title: 'Under a new key', waitingFor: undefined });
});

async function secondKey({ device }: GroupPeer, groupId: Parameters<typeof device.store.groupKeys>[0]) {
  const key = (await device.store.groupKeys(groupId)).find(({ keyEpoch }) => keyEpoch === 2);
  if (key === undefined) throw new Error('there is no second key');
  return key;
}
