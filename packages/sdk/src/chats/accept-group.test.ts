import { describe, expect, it } from 'vitest';
import { type GroupPerson, GroupWorld } from '../../test/group-world.ts';
import { meetDevice } from '../../test/test-device.ts';
import { Conversation } from './conversation.ts';
import { GroupChat, type GroupChatParts } from './group-chat.ts';

const unused = () => Promise.reject(new Error('nothing of the group changes here'));
const rest: Pick<GroupChatParts, 'changes' | 'avatars' | 'learnDevices'> = {
  changes: { change: unused },
  avatars: { upload: unused, uploadFor: unused, fetch: unused, fetchBehind: unused },
  learnDevices: unused,
};

/** Alice and Bob have written into a group that is a request at Carol, who has read Alice's message alone. */
async function request() {
  const world = await GroupWorld.of(3);
  const [alice, bob, carol] = world.people as [GroupPerson, GroupPerson, GroupPerson];
  for (const one of world.people) {
    for (const other of world.people) if (one !== other) await meetDevice(one.device, other.device);
  }
  await carol.device.executor.run([], async (overlay) => {
    const chat = await overlay.get('chat', { id: world.chatId });
    if (chat !== undefined) overlay.put('chat', { ...chat, accepted: false });
  });
  await world.connect(alice, bob, carol);
  const first = await world.write(alice, 'who reads this?');
  await world.run();
  const second = await world.write(bob, 'and this?');
  await world.run();
  const group = new GroupChat(world.groupId, { ...carol.out.parts, ...rest });
  await group.markRead(first);
  await world.run();
  const progress = () =>
    Promise.all([
      new Conversation(world.chatId, alice.out.parts).progress(first),
      new Conversation(world.chatId, bob.out.parts).progress(second),
    ]);
  const before = await progress();
  const counted = async () => {
    await world.run();
    const after = await progress();
    return after.map(({ delivered, read }, at) => [
      delivered - (before[at]?.delivered ?? 0),
      read - (before[at]?.read ?? 0),
    ]);
  };
  return { group, counted, carol };
}

describe('a group that was a request', () => {
  it('tells each author what came and was read before it was accepted, once', async () => {
    const { group, counted, carol } = await request();
    expect(await counted()).toEqual([
      [0, 0],
      [0, 0],
    ]);
    await group.accept();
    expect(await counted()).toEqual([
      [1, 1],
      [1, 0],
    ]);
    const sent = carol.relay.stored.length;
    await group.accept();
    await counted();
    expect(carol.relay.stored.length).toBe(sent);
  });

  it('tells them when it is accepted by writing, too', async () => {
    const { group, counted } = await request();
    await group.send('I do');
    expect(await counted()).toEqual([
      [1, 1],
      [1, 0],
    ]);
  });

  it('tells nobody where receipts are off', async () => {
    const { group, counted } = await request();
    await group.setReceipts(false);
    await group.accept();
    expect(await counted()).toEqual([
      [0, 0],
      [0, 0],
    ]);
  });
});
