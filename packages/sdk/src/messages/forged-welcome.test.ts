import { describe, expect, it } from 'vitest';
import { type GroupPeer, groupOfPeers, groupPeers } from '../../test/group-peer.ts';
import { randomness, sha256 } from '../../test/test-device.ts';
import { chatOfGroup } from '../chats/chat-state.ts';
import { byUserId } from '../groups/canonical.ts';
import { keyCommitment, newGroupKey } from '../groups/group-cipher.ts';
import type { GroupState } from '../groups/group-state.ts';
import { positionOf } from '../groups/stored-group.ts';
import { writeWelcome } from '../groups/welcome.ts';
import { addHiddenContent } from '../outbox/hidden-row.ts';
import type { GroupId } from '../ports/ids.ts';

/** Somebody outside makes up a later course of a group, which they own there with their reader, and welcomes them. */
async function forge(mallory: GroupPeer, reader: GroupPeer, state: GroupState): Promise<void> {
  const { wireId, keyEpoch } = state;
  const key = { keyEpoch, key: newGroupKey(randomness) };
  const revision = state.revision + 5;
  const joined = { joinedAtRevision: revision, joinedAtEpoch: keyEpoch };
  const members = byUserId([
    { ...mallory.candidate(), ...joined, role: 'owner' as const },
    { ...reader.candidate(), ...joined, role: 'member' as const },
  ]);
  const told = { ...state, revision, members, requests: [], keyCommitment: keyCommitment(wireId, key, sha256) };
  const groupWelcome = writeWelcome({ at: { state: told, head: randomness.bytes(32) }, key });
  const { executor, origin } = mallory.device;
  await executor.run([], (overlay) => void addHiddenContent(overlay, origin(), reader.userId, { groupWelcome }, 1));
  await mallory.handTo(reader);
}

async function stateAt(peer: GroupPeer, groupId: GroupId): Promise<GroupState> {
  const at = positionOf(await peer.group(groupId));
  if (at === undefined) throw new Error('nobody is left in it');
  return at.state;
}

const chatAt = ({ device }: GroupPeer, groupId: GroupId) => device.store.get('chat', { id: chatOfGroup(groupId) });

describe('a course of a group that somebody outside has made up  [security: group-membership]', () => {
  it('is none for who was removed: a member brings them back', async () => {
    const { relay, owner, others, groupId } = await groupOfPeers(3);
    const dave = others[1] as GroupPeer;
    const [mallory] = (await groupPeers(1, relay)) as [GroupPeer];
    await owner.change(groupId, { type: 'remove-members', userIds: [dave.userId] });
    await dave.follow(groupId);
    await forge(mallory, dave, await stateAt(dave, groupId));
    expect(await dave.group(groupId)).toMatchObject({ standing: 'removed', revision: 2 });
    await owner.change(groupId, { type: 'add-members', members: [dave.candidate()] });
    await owner.handTo(dave);
    expect(await dave.group(groupId)).toMatchObject({ standing: 'member', revision: 3 });
  });

  it('is none for who asks to come in: a member lets them', async () => {
    const { relay, owner, groupId, wireId } = await groupOfPeers(2);
    const [dave, mallory] = (await groupPeers(2, relay)) as [GroupPeer, GroupPeer];
    const key = randomness.bytes(32);
    await owner.change(groupId, { type: 'set-invite', invite: { id: randomness.bytes(16), key, approval: true } });
    relay.of(wireId).members.add(dave.userId);
    const known = await dave.work.invitations.look({ wireId, inviteKey: key });
    await dave.work.invitations.keep(known);
    await forge(mallory, dave, known.at.state);
    expect(await dave.group(groupId)).toMatchObject({ standing: 'requested' });
    expect(await chatAt(dave, groupId)).toBeUndefined();
    await owner.change(groupId, { type: 'add-members', members: [dave.candidate()] });
    await owner.handTo(dave);
    expect(await dave.group(groupId)).toMatchObject({ standing: 'member' });
    expect(await chatAt(dave, groupId)).toMatchObject({ accepted: true });
  });
});
