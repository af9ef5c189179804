import { describe, expect, it } from 'vitest';
import { type GroupPeer, groupOfPeers, groupPeers } from '../../test/group-peer.ts';

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
