import { describe, expect, it } from 'vitest';
import { type GroupPerson, GroupWorld } from '../../test/group-world.ts';
import { userIdOf } from '../../test/numbered-uuid.ts';
import { chatWith } from './chat-state.ts';
import { Chats } from './chats.ts';
import { GroupChat } from './group-chat.ts';

const unused = () => Promise.reject(new Error('nobody is asked, and nothing changes'));

/** Alice, with a group, a chat with Bob and one with somebody else. */
async function scene() {
  const world = await GroupWorld.of(2);
  const [alice, bob] = world.people as [GroupPerson, GroupPerson];
  const { parts } = alice.out;
  const changing = {
    changes: { change: unused },
    avatars: { upload: unused, uploadFor: unused, fetch: unused, fetchBehind: unused },
    learnDevices: unused,
  };
  const chats = new Chats({
    ...parts,
    http: { authorized: unused },
    groupChat: (groupId) => new GroupChat(groupId, { ...parts, ...changing }),
  });
  const { userId } = bob.device.account;
  await alice.out.chat(userId).send('hello Bob');
  await world.write(alice, 'hello all');
  await alice.out.chat(userIdOf(5)).send('hello');
  return { world, alice, userId, chats };
}

describe('a chat', () => {
  it('is found by the id that messages and events name: of a person, and of a group', async () => {
    const { world, userId, chats } = await scene();
    expect(await chats.get(userId)).toMatchObject({ type: 'person', id: userId, userId });
    expect(await chats.get(chatWith(userId))).toMatchObject({ type: 'person', id: userId, userId });
    const group = await chats.get(world.chatId);
    expect(group).toBeInstanceOf(GroupChat);
    expect(group).toMatchObject({ type: 'group', id: world.chatId, groupId: world.groupId });
    const { messages } = (await group?.history()) ?? {};
    expect(messages?.map(({ chatId, text }) => [chatId, text])).toEqual([[world.chatId, 'hello all']]);
  });

  it('has the line that the list has', async () => {
    const { alice, userId, chats } = await scene();
    const listed = (await chats.list()).chats;
    expect(listed).toHaveLength(3);
    for (const line of listed) expect(await chats.summary(line.chat.id)).toEqual(line);
    await alice.out.chat(userId).send('are you there?');
    expect(await chats.summary(userId)).toMatchObject({ lastMessage: { text: 'are you there?' } });
  });

  it('that there is not is none, and has no line', async () => {
    const { world, alice, chats } = await scene();
    const { userId } = alice.device.account;
    for (const id of [userIdOf(6), userId]) {
      expect(await chats.get(id)).toBeUndefined();
      expect(await chats.summary(id)).toBeUndefined();
    }
    expect(await chats.get(world.chatId)).toBeDefined();
  });

  it.each([['hello'], [undefined], [''], [7]])('has an id, which %j is not', async (id) => {
    const { chats } = await scene();
    for (const call of [chats.get(id as never), chats.summary(id as never)]) {
      await expect(call).rejects.toMatchObject({ code: 'argument-invalid', message: expect.stringContaining('UUID') });
    }
  });
});
