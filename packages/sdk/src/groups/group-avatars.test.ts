import { toBase64Url } from '@sotto/proto';
import { describe, expect, it } from 'vitest';
import { type GroupPeer, groupOfPeers } from '../../test/group-peer.ts';
import { unreachable } from '../../test/group-service.ts';
import type { GroupId } from '../ports/ids.ts';
import { appendGroupRecord } from '../transport/group-calls.ts';
import { keyCommitment } from './group-cipher.ts';
import { signChange } from './signed-change.ts';
import { keyOfState, keySource, ownActor, positionOf, stateOf } from './stored-group.ts';
import { sealRecord } from './write-record.ts';

const settings = { type: 'set-settings', settings: { add: 'admins', edit: 'members' } } as const;
const [red, blue] = [new Uint8Array(700).fill(1), new Uint8Array(2_000).fill(2)];

async function three() {
  const { others, ...rest } = await groupOfPeers(3);
  const [bob, carol] = others as [GroupPeer, GroupPeer];
  return { ...rest, bob, carol, named: () => rest.relay.named.get(toBase64Url(rest.wireId)) };
}

/** As `GroupChat.setAvatar` does. */
async function setAvatar(peer: GroupPeer, groupId: GroupId, bytes: Uint8Array | undefined): Promise<void> {
  const avatar = bytes && (await peer.work.avatars.uploadFor(groupId, bytes));
  await peer.change(groupId, { type: 'set-avatar', avatar });
}

const uploads = ({ relay }: GroupPeer) => relay.asked.filter((name) => name === 'PUT avatars').length;

describe('the avatar of a group', () => {
  it('is set, seen by the others, replaced, and taken away', async () => {
    const { relay, owner, bob, groupId, named } = await three();
    expect(await bob.work.avatars.fetch(groupId)).toBe(undefined);
    await setAvatar(owner, groupId, red);
    const { location } = stateOf(await owner.group(groupId))?.avatar ?? {};
    expect(named()).toBe(location && toBase64Url(location));
    expect(await owner.work.avatars.fetch(groupId)).toEqual(red);
    await bob.follow(groupId);
    expect(await bob.work.avatars.fetch(groupId)).toEqual(red);
    expect(bob.news()).toContainEqual({ type: 'avatar' });
    await setAvatar(owner, groupId, blue);
    // Bob is behind, and sees the one before.
    expect(await bob.work.avatars.fetch(groupId)).toEqual(red);
    await bob.follow(groupId);
    expect(await bob.work.avatars.fetch(groupId)).toEqual(blue);
    await setAvatar(owner, groupId, undefined);
    await bob.follow(groupId);
    expect([await bob.work.avatars.fetch(groupId), named()]).toEqual([undefined, null]);
    const before = relay.asked.length;
    await setAvatar(owner, groupId, undefined);
    expect(relay.asked.slice(before)).toEqual(['GET records']);
    for (const bytes of relay.avatars.values()) expect(Buffer.from(bytes).includes(Buffer.from(red))).toBe(false);
  });

  it('is named to the relay with every change, so that what somebody else told it does not stay', async () => {
    const { relay, owner, bob, groupId, wireId, named } = await three();
    await setAvatar(owner, groupId, red);
    const place = named();
    relay.named.set(toBase64Url(wireId), null);
    await owner.change(groupId, settings);
    expect(named()).toBe(place);
    await bob.follow(groupId);
    relay.named.delete(toBase64Url(wireId));
    await bob.change(groupId, { type: 'set-title', title: 'Others' });
    expect(named()).toBe(place);
  });

  it('is not uploaded by who may not set it, nor what is none', async () => {
    const { owner, bob, groupId } = await three();
    await expect(setAvatar(bob, groupId, red)).rejects.toMatchObject({ code: 'group-not-allowed' });
    await expect(setAvatar(owner, groupId, new Uint8Array())).rejects.toMatchObject({ code: 'argument-invalid' });
    const large = new Uint8Array(1024 * 1024 + 1);
    await expect(setAvatar(owner, groupId, large)).rejects.toMatchObject({ code: 'avatar-too-large' });
    expect(uploads(bob)).toBe(0);
    await owner.change(groupId, settings);
    await bob.follow(groupId);
    await setAvatar(bob, groupId, red);
    expect(uploads(bob)).toBe(1);
  });

  it('stays when a member sets one who may not, and says so to the relay: that is void for all  [security: group-membership]', async () => {
    const { owner, bob, carol, groupId, wireId, named } = await three();
    await setAvatar(owner, groupId, red);
    const place = named();
    await bob.follow(groupId);
    const group = await bob.group(groupId);
    const { account, origin, store } = bob.device;
    const at = positionOf(group);
    const key = at && keyOfState(at.state, keySource(await store.groupKeys(groupId)));
    if (at === undefined || key === undefined) throw new Error('Bob knows the group');
    const { sha256, randomness } = origin();
    const avatar = await bob.work.avatars.upload(wireId, blue);
    const revision = group.revision + 1;
    const operations = [{ type: 'set-avatar', avatar }] as const;
    const signed = signChange({ wireId, revision, previousHead: at.head, createdAt: 1, operations }, ownActor(account));
    const header = { wireId, revision, keyEpoch: key.keyEpoch, keyCommitment: keyCommitment(wireId, key, sha256) };
    const record = sealRecord(header, signed, key.key, randomness);
    const append = { record, added: [], removed: [], avatar: avatar.location, inviteToken: undefined };
    await appendGroupRecord(owner.relay.clientOf(bob.userId), wireId, append);
    expect(named()).toBe(toBase64Url(avatar.location));
    for (const peer of [owner, bob, carol]) {
      await peer.follow(groupId);
      expect((await peer.group(groupId)).revision).toBe(revision);
      expect(await peer.work.avatars.fetch(groupId)).toEqual(red);
    }
    await owner.change(groupId, { type: 'set-title', title: 'Still ours' });
    expect(named()).toBe(place);
  });

  it('keeps its upload when somebody else was faster, and when the client ends in between', async () => {
    const { relay, owner, bob, groupId, named } = await three();
    await owner.change(groupId, settings);
    await bob.follow(groupId);
    relay.before = async (name, who) => {
      if (name !== 'POST records' || who !== bob.userId) return;
      relay.before = () => undefined;
      await setAvatar(owner, groupId, blue);
    };
    await setAvatar(bob, groupId, red);
    // Bob's came last; each was uploaded once.
    expect([await bob.work.avatars.fetch(groupId), uploads(bob)]).toEqual([red, 2]);
    expect(relay.avatars.size).toBe(2);
    relay.before = (name) => {
      if (name === 'POST records') throw unreachable();
    };
    const cut = setAvatar(bob, groupId, blue).catch((error: unknown) => error);
    while (bob.timers.delays.length === 0) await new Promise((resolve) => setImmediate(resolve));
    await bob.stop();
    await cut;
    relay.before = () => undefined;
    bob.restart();
    bob.work.start();
    while ((await bob.device.store.groupIntents()).length > 0) await new Promise((resolve) => setImmediate(resolve));
    expect([await bob.work.avatars.fetch(groupId), uploads(bob)]).toEqual([blue, 3]);
    const { location } = stateOf(await bob.group(groupId))?.avatar ?? {};
    expect(named()).toBe(location && toBase64Url(location));
    await bob.stop();
  });

  it('that is another one, or is gone, is an error, and harms nothing', async () => {
    const { relay, owner, bob, groupId } = await three();
    await setAvatar(owner, groupId, blue);
    const [old] = [...relay.avatars.values()];
    await setAvatar(owner, groupId, red);
    await bob.follow(groupId);
    const before = await bob.group(groupId);
    const place = [...relay.avatars.keys()].at(-1) ?? '';
    for (const wrong of [old ?? red, new Uint8Array(), red, (relay.avatars.get(place) ?? red).with(40, 7)]) {
      relay.avatars.set(place, wrong);
      await expect(bob.work.avatars.fetch(groupId)).rejects.toMatchObject({
        code: 'relay-misbehaved',
        retryable: true,
      });
    }
    relay.avatars.delete(place);
    const gone = { code: 'relay-refused', relayCode: 'not-found' };
    await expect(bob.work.avatars.fetch(groupId)).rejects.toMatchObject(gone);
    expect(await bob.group(groupId)).toEqual(before);
    await setAvatar(owner, groupId, red);
    await bob.follow(groupId);
    expect(await bob.work.avatars.fetch(groupId)).toEqual(red);
  });

  it('is given by the relay to members: who was put out of its table lets themselves in, who was removed does not', async () => {
    const { relay, owner, bob, carol, groupId, wireId } = await three();
    await setAvatar(owner, groupId, red);
    for (const peer of [bob, carol]) await peer.follow(groupId);
    relay.of(wireId).members.delete(bob.userId);
    expect(await bob.work.avatars.fetch(groupId)).toEqual(red);
    expect(relay.of(wireId).members.has(bob.userId)).toBe(true);
    relay.of(wireId).members.delete(bob.userId);
    await expect(bob.work.avatars.fetch(groupId)).rejects.toMatchObject({ code: 'group-not-member' });
    relay.of(wireId).members.add(bob.userId);
    await owner.change(groupId, { type: 'remove-members', userIds: [carol.userId] });
    await carol.follow(groupId);
    const asked = relay.asked.length;
    await expect(carol.work.avatars.fetch(groupId)).rejects.toMatchObject({ code: 'group-not-member' });
    await expect(setAvatar(carol, groupId, blue)).rejects.toMatchObject({ code: 'group-not-member' });
    expect(relay.asked.slice(asked)).toEqual([]);
    await expect(bob.work.avatars.fetch('11111111-1111-4111-8111-111111111111' as GroupId)).rejects.toMatchObject({
      code: 'group-unknown',
    });
  });
});
