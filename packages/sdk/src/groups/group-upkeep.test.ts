import { describe, expect, it } from 'vitest';
import { type GroupPeer, groupOfPeers, groupPeers } from '../../test/group-peer.ts';
import { refused } from '../../test/group-service.ts';
import { stateOf } from './stored-group.ts';

const title = (text: string) => ({ type: 'set-title', title: text }) as const;

describe('the relay’s table of members  [security: group-membership]', () => {
  it('is made what the log says: who was put out is let in, who was slipped in is put out', async () => {
    const { relay, owner, others, groupId, wireId } = await groupOfPeers(3);
    const [bob, carol] = others as [GroupPeer, GroupPeer];
    const [stranger] = (await groupPeers(1, relay)) as [GroupPeer];
    const { members } = relay.of(wireId);
    members.delete(bob.userId);
    members.add(stranger.userId);
    await carol.follow(groupId);
    expect([...members].sort()).toEqual([owner, bob, carol].map(({ userId }) => userId).sort());
    expect(carol.logged).toContain('group.table-repaired');
  });

  it('is left alone while the log goes on: whoever came by that is none who was slipped in', async () => {
    const { relay, owner, others, groupId, wireId } = await groupOfPeers(3);
    const [bob] = others as [GroupPeer];
    const [dave] = (await groupPeers(1, relay)) as [GroupPeer];
    let reads = 0;
    relay.before = async (name, who) => {
      if (name !== 'GET members' || who !== bob.userId) return;
      relay.before = () => undefined;
      reads += 1;
      await owner.change(groupId, { type: 'add-members', members: [dave.candidate()] });
    };
    await bob.follow(groupId);
    expect(reads).toBe(1);
    expect(relay.of(wireId).members.has(dave.userId)).toBe(true);
  });
});

describe('members whose accounts have ended', () => {
  async function endedScene() {
    const scene = await groupOfPeers(4);
    const [bob, carol, dave] = scene.others as [GroupPeer, GroupPeer, GroupPeer];
    const { relay, owner, groupId, wireId } = scene;
    const end = ({ userId }: GroupPeer) => {
      relay.gone.add(userId);
      relay.of(wireId).members.delete(userId);
    };
    const settled = (peer: GroupPeer) =>
      peer.change(groupId, { type: 'set-settings', settings: { add: 'admins', edit: 'members' } });
    const members = async () => stateOf(await owner.group(groupId))?.members.map(({ userId }) => userId);
    const removals = () => owner.logged.filter((event) => event === 'group.accounts-gone').length;
    return { ...scene, bob, carol, dave, end, settled, members, removals };
  }

  it('are removed by an admin who looks, and by nobody else', async () => {
    const { owner, bob, carol, dave, groupId, end, settled, members } = await endedScene();
    end(dave);
    await bob.follow(groupId);
    expect(bob.logged).not.toContain('group.accounts-gone');
    await owner.follow(groupId);
    // Takes its turn behind the removal.
    await settled(owner);
    expect(await members()).toEqual([owner, bob, carol].map(({ userId }) => userId));
    expect(owner.failures).toEqual([]);
  });

  it('are removed after an own change of an admin, in a group that nobody else changes', async () => {
    const { owner, carol, groupId, end, settled, members } = await endedScene();
    end(carol);
    owner.device.clock.advance(24 * 3_600_000);
    await owner.change(groupId, title('Divers'));
    await settled(owner);
    expect(await members()).not.toContain(carol.userId);
  });

  it('are not removed by an admin when they were one themselves, and by the owner they are', async () => {
    const { owner, bob, carol, groupId, end, settled, members } = await endedScene();
    for (const { userId } of [bob, carol]) await owner.change(groupId, { type: 'set-role', userId, role: 'admin' });
    await bob.follow(groupId);
    end(carol);
    await bob.follow(groupId);
    expect(bob.logged).not.toContain('group.accounts-gone');
    await owner.follow(groupId);
    await settled(owner);
    expect(await members()).not.toContain(carol.userId);
  });

  it('are to be removed once a day, while the relay does not take it', async () => {
    const { relay, owner, dave, groupId, end, removals } = await endedScene();
    end(dave);
    relay.before = (name) => {
      if (name === 'POST records') throw refused('group-full');
    };
    for (let look = 0; look < 3; look++) await owner.follow(groupId);
    expect(removals()).toBe(1);
    owner.device.clock.advance(24 * 3_600_000);
    await owner.follow(groupId);
    expect(removals()).toBe(2);
    await owner.stop();
  });
});

describe('checkpoints', () => {
  it('are put at the beginning, each 32 revisions, and at a new key, but not while one is due', async () => {
    const { relay, owner, others, groupId, wireId } = await groupOfPeers(3);
    const [bob] = others as [GroupPeer];
    const at = () => relay.of(wireId).checkpoint?.revision;
    expect(at()).toBe(1);
    for (let revision = 2; revision <= 33; revision++) await owner.change(groupId, title(`Title ${revision}`));
    expect(at()).toBe(33);
    await owner.change(groupId, { type: 'remove-members', userIds: [bob.userId] });
    expect(at()).toBe(33);
    await owner.change(groupId, title('Under a new key'));
    expect(at()).toBe(35);
    expect(await owner.group(groupId)).toMatchObject({ checkpointRevision: 35, checkpointEpoch: 2 });
  });
});
