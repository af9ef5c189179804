import { expect, it } from 'vitest';
import { type GroupPeer, groupOfPeers } from '../../test/group-peer.ts';
import { randomness } from '../../test/test-device.ts';
import { chatWith } from '../chats/chat-state.ts';
import { newGroupKey } from '../groups/group-cipher.ts';
import { writeGroupKeys, writeKeyRequest } from '../groups/group-keys.ts';

it('keys that no record names do not fill the store, and keep away none that a record names  [security: group-membership]', async () => {
  const { owner, others, groupId, wireId } = await groupOfPeers(5);
  const [mallory, gone, bob, carol] = others as [GroupPeer, GroupPeer, GroupPeer, GroupPeer];
  await fill(bob, mallory, wireId);
  expect(await bob.device.store.groupKeys(groupId)).toHaveLength(1 + 4 * 64);
  await owner.change(groupId, { type: 'remove-members', userIds: [gone.userId] });
  await owner.change(groupId, { type: 'set-title', title: 'Under a new key' });
  const second = await secondKey(owner, groupId);
  const { keyEpoch, keyCommitment } = second;
  const again = { groupKeys: writeGroupKeys(wireId, [second]) };
  // Too early: there is no room, and no record yet that names it.
  await bob.hear(carol, again);
  expect(await bob.device.store.get('groupKey', { groupId, keyEpoch, keyCommitment })).toBeUndefined();
  await bob.follow(groupId);
  expect(await bob.group(groupId)).toMatchObject({ waitingFor: { keyEpoch } });
  await bob.hear(carol, again);
  await bob.follow(groupId);
  expect(await bob.group(groupId)).toMatchObject({ title: 'Under a new key', waitingFor: undefined });
});

it('keys of an owner or admin have room of their own, and of who is out only those are taken that are waited for  [security: removed-member]', async () => {
  const { owner, others, groupId, wireId } = await groupOfPeers(4);
  const [mallory, gone, bob] = others as [GroupPeer, GroupPeer, GroupPeer];
  await fill(bob, mallory, wireId);
  await owner.change(groupId, { type: 'remove-members', userIds: [gone.userId] });
  await owner.change(groupId, { type: 'set-title', title: 'Under a new key' });
  await owner.handTo(bob);
  await bob.follow(groupId);
  expect(await bob.group(groupId)).toMatchObject({ title: 'Under a new key', waitingFor: undefined });
  const before = (await bob.device.store.groupKeys(groupId)).length;
  await fill(bob, gone, wireId);
  expect(await bob.device.store.groupKeys(groupId)).toHaveLength(before);
});

it('a member who asks for keys without end is answered so often an hour  [security: group-membership]', async () => {
  const { owner, others, groupId, wireId } = await groupOfPeers(3);
  const [mallory] = others as [GroupPeer];
  const keys = await owner.device.store.groupKeys(groupId);
  const rows = async () => (await owner.device.store.outbox(chatWith(mallory.userId), 0, 1_000)).length;
  const before = await rows();
  for (let at = 0; at < 100; at++) await owner.hear(mallory, { groupKeyRequest: writeKeyRequest(wireId, keys) });
  expect((await rows()) - before).toBe(64);
});

/** Gives somebody more keys than there is room for, which no record will name. */
async function fill(to: GroupPeer, from: GroupPeer, wireId: Uint8Array): Promise<void> {
  for (let round = 0; round < 6; round++) {
    const keys = Array.from({ length: 64 }, (_, at) => ({ keyEpoch: 2 + at, key: newGroupKey(randomness) }));
    await to.hear(from, { groupKeys: writeGroupKeys(wireId, keys) });
  }
}

async function secondKey({ device }: GroupPeer, groupId: Parameters<typeof device.store.groupKeys>[0]) {
  const key = (await device.store.groupKeys(groupId)).find(({ keyEpoch }) => keyEpoch === 2);
  if (key === undefined) throw new Error('there is no second key');
  return key;
}
