import { GroupCheckpoint, toBase64Url } from '@sotto/proto';
import { describe, expect, it } from 'vitest';
import { type GroupPeer, groupOfPeers, groupPeers } from '../../test/group-peer.ts';
import { refused } from '../../test/group-service.ts';
import { randomness } from '../../test/test-device.ts';
import { stateOf } from './stored-group.ts';

const title = (text: string) => ({ type: 'set-title', title: text }) as const;

/** Sees anew where the groups are, and does what is due there. */
async function connectAgain({ work }: GroupPeer): Promise<void> {
  work.pause();
  work.start();
  for (let turns = 0; turns < 100; turns++) await new Promise((resolve) => setImmediate(resolve));
}

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

describe('members whose accounts have ended, as the relay says  [security: group-membership]', () => {
  async function endedScene() {
    const scene = await groupOfPeers(4);
    const [bob, carol, dave] = scene.others as [GroupPeer, GroupPeer, GroupPeer];
    const { relay, owner, groupId, wireId } = scene;
    const end = ({ userId }: GroupPeer) => {
      relay.gone.add(userId);
      relay.of(wireId).members.delete(userId);
    };
    const members = async () => stateOf(await owner.group(groupId))?.members.map(({ userId }) => userId);
    const goneAt = async ({ userId }: GroupPeer, as = owner) =>
      (await as.device.store.get('groupMember', { groupId, userId }))?.goneAt;
    return { ...scene, bob, carol, dave, end, members, goneAt };
  }

  it('are shown to whoever looks, and removed by nobody but a person: nothing proves it', async () => {
    const { relay, owner, bob, carol, dave, groupId, end, members, goneAt } = await endedScene();
    end(dave);
    for (const peer of [bob, owner]) {
      await peer.follow(groupId);
      expect(peer.news().at(-1)).toEqual({ type: 'account-gone', userIds: [dave.userId] });
      expect(await goneAt(dave, peer)).toBeDefined();
    }
    for (let days = 0; days < 3; days++) {
      owner.device.clock.advance(24 * 3_600_000);
      await owner.change(groupId, title(`Day ${days}`));
      await owner.follow(groupId);
    }
    expect(owner.news().filter(({ type }) => type === 'account-gone')).toHaveLength(1);
    expect(await members()).toEqual([owner, bob, carol, dave].map(({ userId }) => userId));
    // The relay says otherwise: it is forgotten.
    relay.gone.clear();
    await owner.follow(groupId);
    expect(await goneAt(dave)).toBeUndefined();
    expect(await members()).toContain(dave.userId);
  });

  it('are found after an own change, too, in a group that nobody else changes', async () => {
    const { owner, carol, groupId, end, goneAt } = await endedScene();
    end(carol);
    owner.device.clock.advance(24 * 3_600_000);
    await owner.change(groupId, title('Divers'));
    expect(await goneAt(carol)).toBeDefined();
  });

  it('are not those whom the table alone leaves out', async () => {
    const { relay, owner, bob, groupId, wireId, goneAt } = await endedScene();
    relay.of(wireId).members.delete(bob.userId);
    relay.keptOut.add(bob.userId);
    await owner.follow(groupId);
    expect(relay.asked).toContain('GET devices');
    expect(await goneAt(bob)).toBeUndefined();
    expect(owner.news().map(({ type }) => type)).not.toContain('account-gone');
  });
});

describe('the box behind an invite', () => {
  it('is put anew by an admin when whoever brought a new key has left by the same change', async () => {
    const { owner, others, groupId, wireId } = await groupOfPeers(4);
    const [bob, carol] = others as [GroupPeer, GroupPeer];
    const [dave] = await groupPeers(1, owner.relay);
    if (dave === undefined) throw new Error('there is one more');
    const key = randomness.bytes(32);
    await owner.change(groupId, { type: 'set-invite', invite: { id: randomness.bytes(16), key, approval: true } });
    const look = () => dave.work.invitations.look({ wireId, inviteKey: key });
    expect((await look()).at.state.revision).toBe(2);
    for (const leaver of [bob, carol]) {
      await leaver.follow(groupId);
      await leaver.change(groupId, { type: 'leave' });
    }
    await expect(look()).rejects.toMatchObject({ code: 'group-changed' });
    await carol.handTo(owner);
    await connectAgain(owner);
    owner.work.wake(groupId);
    for (let turns = 0; turns < 100; turns++) await new Promise((resolve) => setImmediate(resolve));
    expect((await look()).at.state).toMatchObject({ revision: 4, keyEpoch: 2 });
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

  it('are put by others as soon as one is due, whatever a member has put in between  [security: group-membership]', async () => {
    const { relay, owner, others, groupId, wireId } = await groupOfPeers(3);
    const [bob] = others as [GroupPeer, GroupPeer];
    await owner.change(groupId, { type: 'set-settings', settings: { add: 'members', edit: 'members' } });
    await bob.follow(groupId);
    relay.before = (name, who) => {
      if (name === 'PUT checkpoint' && who === bob.userId) throw refused('group-unknown');
    };
    const kept = relay.of(wireId);
    const checkpoint = toBase64Url(
      GroupCheckpoint.encode({
        groupId: wireId,
        revision: 2 ** 31,
        keyEpoch: 2 ** 31 - 1,
        ciphertext: new Uint8Array(9),
      }),
    );
    for (let revision = 3; revision <= 34; revision++) await bob.change(groupId, title(`Title ${revision}`));
    kept.checkpoint = { revision: 2, checkpoint };
    await connectAgain(owner);
    expect(kept.checkpoint).toMatchObject({ revision: 34 });
    // As of the newest revision it counts as a checkpoint, and no longer than any other.
    kept.checkpoint = { revision: 34, checkpoint };
    for (let revision = 35; revision <= 67; revision++) await bob.change(groupId, title(`Title ${revision}`));
    await connectAgain(owner);
    expect(kept.checkpoint).toMatchObject({ revision: 67 });
    expect(await owner.group(groupId)).toMatchObject({ checkpointRevision: 67, checkpointEpoch: 1 });
    await owner.stop();
  });
});
