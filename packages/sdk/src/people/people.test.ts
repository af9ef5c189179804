import { describe, expect, it } from 'vitest';
import { type GroupPerson, GroupWorld } from '../../test/group-world.ts';
import { userIdOf } from '../../test/numbered-uuid.ts';
import { chatWith, openChat } from '../chats/chat-state.ts';
import { clientStopped } from '../client-stopped.ts';
import { firstIdentity } from '../crypto/identity-trust.ts';
import type { UserId } from '../ports/ids.ts';
import { newUser } from './blocked.ts';
import { People } from './people.ts';

/** Alice, who is in a group with Bob and Carol. */
async function scene() {
  const world = await GroupWorld.of(3);
  const [alice, bob, carol] = world.people as [GroupPerson, GroupPerson, GroupPerson];
  const { store } = alice.device;
  return { world, alice, bob, carol, people: new People({ store, assertRunning: () => undefined }) };
}

const idOf = ({ device }: GroupPerson): UserId => device.account.userId;
const key = (fill: number) => new Uint8Array(33).fill(fill);

describe('who somebody is', () => {
  it('is known by their id alone when only a group names them, and the groups are those that both are in', async () => {
    const { world, alice, bob, carol, people } = await scene();
    const nameless = { self: false, username: '', number: '', avatar: undefined };
    const unmet = { ...nameless, contact: false, blocked: false, verified: false, accountGone: false };
    expect(await people.get(idOf(bob))).toEqual({ userId: idOf(bob), ...unmet, groups: [world.groupId] });
    await world.know({ revision: 2, members: [alice, bob] }, [alice]);
    expect(await people.get(idOf(carol))).toEqual({ userId: idOf(carol), ...unmet, groups: [] });
    await world.know({ revision: 3, members: [bob] }, [alice]);
    expect(await people.get(idOf(bob))).toMatchObject({ groups: [] });
  });

  it('has all that is known of them, also when they are out of the group', async () => {
    const { world, alice, bob, carol, people } = await scene();
    const userId = idOf(carol);
    const avatar = new Uint8Array(32).fill(3);
    const known = { number: '+14155550199', username: 'Carol', avatarHash: avatar };
    await alice.device.executor.run([], async (overlay) => {
      overlay.put('user', { ...newUser(userId, 1), ...known });
      overlay.put('chat', { ...(await openChat(overlay, userId, 1)), accepted: true });
      overlay.put('identity', { ...firstIdentity(userId, key(1), 1), verifiedAt: 2 });
    });
    await world.know({ revision: 2, members: [alice, bob] }, [alice]);
    const { number, username } = known;
    const carolNow = { userId, number, username, avatar, contact: true, verified: true, blocked: false, groups: [] };
    expect(await people.get(userId)).toMatchObject(carolNow);
    await alice.device.executor.run([], async (overlay) => {
      const identity = { ...firstIdentity(userId, key(1), 1), verifiedAt: 2 };
      overlay.put('identity', { ...identity, pending: { key: key(2), seenAt: 3, listed: true } });
      overlay.put('user', { ...newUser(userId, 1), ...known, blockedAt: 4 });
      const chat = await overlay.get('chat', { id: chatWith(userId) });
      if (chat !== undefined) overlay.put('chat', { ...chat, accepted: false });
    });
    expect(await people.get(userId)).toMatchObject({ ...carolNow, contact: false, verified: false, blocked: true });
  });

  it('is said of this user, too', async () => {
    const { world, alice, people } = await scene();
    const { userId, number, username } = alice.device.account;
    expect(await people.get(userId)).toMatchObject({ userId, self: true, number, username, groups: [world.groupId] });
  });

  it('says when the relay has no account of theirs any more, as a group that they are in has it', async () => {
    const { world, alice, bob, people } = await scene();
    const { executor, store } = alice.device;
    const row = await store.get('groupMember', { groupId: world.groupId, userId: idOf(bob) });
    if (row === undefined) throw new Error('they are a member');
    await executor.run([], async (overlay) => overlay.put('groupMember', { ...row, goneAt: 5 }));
    expect(await people.get(idOf(bob))).toMatchObject({ accountGone: true });
  });

  it('is nothing for who was never seen, for what is no person, and after the client was stopped', async () => {
    const { world, alice, people } = await scene();
    for (const id of [userIdOf(5), world.groupId]) {
      expect(await people.get(id as UserId)).toBeUndefined();
    }
    const stopped = new People({
      store: alice.device.store,
      assertRunning: () => {
        throw clientStopped();
      },
    });
    await expect(stopped.get(idOf(alice))).rejects.toMatchObject({ code: 'client-stopped' });
  });
});
