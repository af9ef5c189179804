import { Content } from '@sotto/proto';
import { describe, expect, it } from 'vitest';
import { type GroupPeer, groupOfPeers, groupPeers } from '../../test/group-peer.ts';
import { acceptChat } from '../chats/accept-chat.ts';
import { chatLock, chatOfGroup, chatWith, openGroupChat } from '../chats/chat-state.ts';
import { groupIdOf } from '../groups/group-id.ts';
import { addHiddenContent } from '../outbox/hidden-row.ts';
import { ReceiptQueue } from '../outbox/receipt-queue.ts';
import { newUser } from '../people/blocked.ts';
import type { GroupRecord } from '../ports/group-records.ts';
import type { UserId } from '../ports/ids.ts';

/** Somebody to welcome, as the owner of a group of two has them. */
async function arriving() {
  const { relay, owner, others, groupId } = await groupOfPeers(2);
  const [dave] = (await groupPeers(1, relay)) as [GroupPeer];
  const add = () => owner.change(groupId, { type: 'add-members', members: [dave.candidate()] });
  return { owner, bob: others[0] as GroupPeer, dave, groupId, add };
}

const chatAt = ({ device }: GroupPeer, groupId: Parameters<typeof chatOfGroup>[0]) =>
  device.store.get('chat', { id: chatOfGroup(groupId) });

describe('a welcome', () => {
  it('of a stranger makes a chat that is not accepted; the news say who it was', async () => {
    const { owner, dave, groupId, add } = await arriving();
    await add();
    await owner.handTo(dave);
    expect(await chatAt(dave, groupId)).toMatchObject({ accepted: false, groupId });
    expect(dave.news()).toEqual([{ type: 'added', userIds: [dave.userId] }]);
    expect(await dave.device.store.groupMembers(groupId)).toHaveLength(3);
    const user = await dave.device.store.get('user', { id: owner.userId });
    expect(user?.profileKey).toEqual(owner.device.account.profileKey);
  });

  it('of a contact makes one that is accepted', async () => {
    const { owner, dave, groupId, add } = await arriving();
    const { executor, store, origin } = dave.device;
    await executor.run([chatLock(chatWith(owner.userId))], async (overlay) => {
      const parts = { store, receipts: new ReceiptQueue(origin), origin };
      await acceptChat(overlay, parts, owner.userId, 1);
    });
    await add();
    await owner.handTo(dave);
    expect(await chatAt(dave, groupId)).toMatchObject({ accepted: true });
  });

  it('of somebody who is blocked is nothing', async () => {
    const { owner, dave, groupId, add } = await arriving();
    await dave.device.executor.run([], (overlay) => overlay.put('user', { ...newUser(owner.userId, 1), blockedAt: 1 }));
    await add();
    await owner.handTo(dave);
    expect(await dave.device.store.get('group', { id: groupId })).toBeUndefined();
  });

  it('that comes again after its reader was put out does not bring them back', async () => {
    const { owner, bob, dave, groupId, add } = await arriving();
    await add();
    const rows = await owner.device.store.outbox(chatWith(dave.userId), 0, 10);
    await owner.handTo(dave);
    await owner.change(groupId, { type: 'remove-members', userIds: [dave.userId] });
    await dave.follow(groupId);
    expect(await dave.group(groupId)).toMatchObject({ standing: 'removed' });
    await owner.device.executor.run([], (overlay) => {
      for (const row of rows) overlay.put('outbox', { ...row, id: overlay.nextOutboxId() });
    });
    await owner.handTo(dave);
    expect(await dave.group(groupId)).toMatchObject({ standing: 'removed', revision: 3 });
    expect(await bob.group(groupId)).toMatchObject({ revision: 1 });
    // A new one does.
    await add();
    await owner.handTo(dave);
    expect(await dave.group(groupId)).toMatchObject({ standing: 'member', revision: 4 });
  });

  it('from one who is no member in it, or that is made up, is nothing', async () => {
    const { owner, dave, groupId, add } = await arriving();
    const [mallory] = (await groupPeers(1, owner.relay)) as [GroupPeer];
    await add();
    const [row] = await owner.device.store.outbox(chatWith(dave.userId), 0, 1);
    const { executor, origin } = mallory.device;
    await executor.run([], (overlay) => {
      if (row) overlay.put('outbox', { ...row, id: overlay.nextOutboxId() });
      addHiddenContent(overlay, origin(), dave.userId, { groupWelcome: { groupId: new Uint8Array(32) } }, 1);
    });
    await mallory.handTo(dave);
    expect(await dave.device.store.get('group', { id: groupId })).toBeUndefined();
    expect(dave.told('group.changed')).toBe(0);
  });
});

describe('groups of strangers', () => {
  /** Lets a person know so many groups of strangers, this one among those who have brought them in. */
  async function broughtIn(
    { device }: GroupPeer,
    { adder, count }: { readonly adder: UserId; readonly count: number },
  ) {
    const like = await device.store.groups(undefined, 1);
    await device.executor.run([], async (overlay) => {
      for (let at = 0; at < count; at++) {
        const id = groupIdOf(device.origin().randomness.bytes(32), device.origin().sha256);
        overlay.put('group', { ...(like[0] as GroupRecord), id, addedBy: adder });
        await openGroupChat(overlay, id, 1);
      }
    });
  }

  const groupsOf = async ({ device }: GroupPeer) => (await device.store.groups(undefined, 500)).length;

  it('are refused beyond ten of one person, until the user accepts or leaves some, and one of a contact never', async () => {
    const { owner, dave, groupId, add } = await arriving();
    const [first] = (await groupPeers(1, owner.relay)) as [GroupPeer];
    await first.create(dave).catch(() => undefined);
    await first.handTo(dave);
    await broughtIn(dave, { adder: owner.userId, count: 10 });
    await add();
    const rows = await owner.device.store.outbox(chatWith(dave.userId), 0, 10);
    await owner.handTo(dave);
    expect(await dave.device.store.get('group', { id: groupId })).toBeUndefined();
    // Others still can.
    expect(await groupsOf(dave)).toBe(11);
    const [one] = await dave.device.store.groupRequests(1);
    await dave.device.executor.run([], (overlay) => {
      if (one) overlay.put('chat', { ...one, accepted: true });
    });
    for (const { content } of rows) await dave.hear(owner, Content.decode(content));
    expect(await dave.group(groupId)).toMatchObject({ standing: 'member', addedBy: owner.userId });
  });

  it('are refused beyond a hundred in all; a contact is let through', async () => {
    const { owner, dave, groupId, add } = await arriving();
    const [first] = (await groupPeers(1, owner.relay)) as [GroupPeer];
    await first.create(dave).catch(() => undefined);
    await first.handTo(dave);
    await broughtIn(dave, { adder: first.userId, count: 99 });
    await add();
    const rows = await owner.device.store.outbox(chatWith(dave.userId), 0, 10);
    await owner.handTo(dave);
    expect(await groupsOf(dave)).toBe(100);
    // Nor is a welcome asked for, whatever the relay lists.
    dave.work.start();
    for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(await dave.waitingFor(owner)).toEqual([]);
    await dave.stop();
    const { executor, store, origin } = dave.device;
    await executor.run([chatLock(chatWith(owner.userId))], async (overlay) => {
      const parts = { store, receipts: new ReceiptQueue(origin), origin };
      await acceptChat(overlay, parts, owner.userId, 1);
    });
    for (const { content } of rows) await dave.hear(owner, Content.decode(content));
    expect(await dave.group(groupId)).toMatchObject({ standing: 'member' });
  });
});
