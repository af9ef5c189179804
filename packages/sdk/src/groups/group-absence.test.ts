import { Content } from '@sotto/proto';
import { describe, expect, it } from 'vitest';
import { type GroupPeer, groupOfPeers, groupPeers } from '../../test/group-peer.ts';
import { unreachable } from '../../test/group-service.ts';
import { messageIdOf } from '../../test/numbered-uuid.ts';
import { chatWith } from '../chats/chat-state.ts';
import { addHiddenContent } from '../outbox/hidden-row.ts';
import type { GroupKeyRecord } from '../ports/group-records.ts';
import { writeGroupKeys } from './group-keys.ts';
import type { GroupState } from './group-state.ts';
import { stateOf } from './stored-group.ts';
import { writeWelcome } from './welcome.ts';

type Three = [GroupPeer, GroupPeer, GroupPeer];

const turn = () => new Promise((resolve) => setImmediate(resolve));

async function turns(): Promise<void> {
  for (let count = 0; count < 50; count++) await turn();
}

/** Lets time pass in which one that is connected asks for what is due. */
async function ask({ device, timers }: GroupPeer, after: number): Promise<void> {
  device.clock.advance(after);
  timers.runAll();
  await turns();
}

/** Asks so many rounds, which nobody answers. */
async function rounds(peer: GroupPeer, count: number): Promise<void> {
  for (let round = 0; round < count; round++) await ask(peer, round === 0 ? 5_000 : 60_000);
}

/** Five people; the last is removed by a record under a key that they are not given, since one was removed before. */
async function removedUnread() {
  const { owner, others, ...rest } = await groupOfPeers(4);
  const [bob, gone, last] = others as Three;
  const { groupId, relay } = rest;
  await owner.change(groupId, { type: 'remove-members', userIds: [gone.userId] });
  await last.follow(groupId);
  await owner.change(groupId, { type: 'remove-members', userIds: [last.userId] });
  last.work.start();
  await turns();
  const tables = () => relay.asked.filter((name) => name === 'GET members').length;
  return { ...rest, owner, bob, last, tables };
}

describe('who is removed by a record that they can not read  [security: removed-member]', () => {
  it('is taken as removed once two rounds of members gave no key, and the relay does not name them', async () => {
    const { last, groupId, tables } = await removedUnread();
    expect(await last.group(groupId)).toMatchObject({ standing: 'member', waitingFor: { keyEpoch: 2 } });
    const before = tables();
    await rounds(last, 2);
    expect(tables()).toBe(before);
    expect(await last.group(groupId)).toMatchObject({ standing: 'member', waitingFor: { asked: 6 } });
    await ask(last, 60_000);
    expect(tables()).toBe(before + 1);
    expect(await last.group(groupId)).toMatchObject({ standing: 'removed', waitingFor: undefined, revision: 2 });
    expect(last.news().at(-1)).toEqual({ type: 'removed', userIds: [last.userId] });
    const facts = last.device.published.flat().map(({ fact }) => fact);
    expect(facts.at(-1)).toMatchObject({ type: 'group.changed', by: undefined });
    const row = await last.device.store.get('groupMember', { groupId, userId: last.userId });
    expect(row).toMatchObject({ leftAt: 3 });
    expect(last.moved.at(-1)).toBe(groupId);
    // It stays so, and nobody is asked any more.
    await rounds(last, 3);
    expect(tables()).toBe(before + 1);
    await expect(last.change(groupId, { type: 'leave' })).rejects.toMatchObject({ code: 'group-not-member' });
    await last.stop();
  });

  it('is not told by a look at the log alone: nothing fails by it that was to be sent', async () => {
    const { last, groupId, tables } = await removedUnread();
    const before = tables();
    await last.follow(groupId);
    expect(tables()).toBe(before);
    expect(await last.group(groupId)).toMatchObject({ standing: 'member', waitingFor: { asked: 0 } });
    await last.stop();
  });

  it('is told that they are no member when they change the group meanwhile: the relay does not count them any more', async () => {
    const { relay, last, groupId, wireId } = await removedUnread();
    const waits = { standing: 'member', waitingFor: { keyEpoch: 2 } };
    const changing = () => last.change(groupId, { type: 'leave' });
    const notMember = { code: 'group-not-member', retryable: false };
    expect(await last.group(groupId)).toMatchObject(waits);
    await expect(changing()).rejects.toMatchObject(notMember);
    await expect(last.work.avatars.uploadFor(groupId, new Uint8Array(9))).rejects.toMatchObject(notMember);
    relay.of(wireId).former.clear();
    await expect(changing()).rejects.toMatchObject(notMember);
    // It is the relay's word alone, so nothing is kept of it.
    expect(await last.group(groupId)).toMatchObject(waits);
    relay.before = (name) => {
      if (name === 'GET members') throw unreachable();
    };
    const notYet = { code: 'group-changed', retryable: true };
    await expect(changing()).rejects.toMatchObject(notYet);
    relay.before = () => undefined;
    relay.of(wireId).members.add(last.userId);
    await expect(changing()).rejects.toMatchObject(notYet);
    await expect(last.work.avatars.uploadFor(groupId, new Uint8Array(9))).rejects.toMatchObject(notYet);
    expect(relay.asked).not.toContain('PUT avatars');
    await last.stop();
  });

  it('is so too when the relay knows of no such group any more', async () => {
    const { relay, last, groupId, wireId } = await removedUnread();
    await rounds(last, 2);
    relay.of(wireId).former.clear();
    await ask(last, 60_000);
    expect(await last.group(groupId)).toMatchObject({ standing: 'removed' });
    await last.stop();
  });

  it('goes on asking while the relay can not be asked, or names them, or nobody could hear it', async () => {
    const { relay, last, groupId, wireId, tables } = await removedUnread();
    await rounds(last, 2);
    relay.before = (name) => {
      if (name === 'GET members') throw unreachable();
    };
    await ask(last, 60_000);
    relay.before = () => undefined;
    relay.of(wireId).members.add(last.userId);
    await ask(last, 60_000);
    expect(await last.group(groupId)).toMatchObject({ standing: 'member', waitingFor: { asked: 12 } });
    relay.of(wireId).members.delete(last.userId);
    const before = tables();
    last.work.pause();
    await ask(last, 24 * 3_600_000);
    expect(tables()).toBe(before);
    expect(await last.group(groupId)).toMatchObject({ waitingFor: { asked: 12 } });
    await last.stop();
  });
});

describe('who was taken as removed', () => {
  const facts = (peer: GroupPeer) => peer.device.published.flat().map(({ fact }) => fact);
  const title = (text: string) => ({ type: 'set-title', title: text }) as const;

  it('and was, learns by whom from a key that comes after all', async () => {
    const { owner, last, groupId, wireId } = await removedUnread();
    await rounds(last, 3);
    const keys = await owner.device.store.groupKeys(groupId);
    const fields = { groupKeys: writeGroupKeys(wireId, keys) };
    const { executor, origin } = owner.device;
    await executor.run([], (overlay) => void addHiddenContent(overlay, origin(), last.userId, fields, 0));
    await owner.handTo(last);
    expect(await last.group(groupId)).toMatchObject({ standing: 'removed', revision: 3 });
    expect(facts(last).at(-1)).toMatchObject({ type: 'group.changed', by: owner.userId });
    await last.stop();
  });

  it('and was not, is a member again by the key that comes late', async () => {
    const { relay, owner, others, groupId, wireId } = await groupOfPeers(4);
    const [, gone, last] = others as Three;
    await owner.change(groupId, { type: 'remove-members', userIds: [gone.userId] });
    await owner.change(groupId, title('Under a new key'));
    await last.follow(groupId);
    relay.of(wireId).members.delete(last.userId);
    relay.of(wireId).former.add(last.userId);
    last.work.start();
    await turns();
    await rounds(last, 3);
    expect(await last.group(groupId)).toMatchObject({ standing: 'removed', revision: 2 });
    await owner.handTo(last);
    expect(await last.group(groupId)).toMatchObject({ standing: 'member', revision: 3, title: 'Under a new key' });
    const row = await last.device.store.get('groupMember', { groupId, userId: last.userId });
    expect(row).toMatchObject({ joinedAt: 1, leftAt: undefined, leftSeenAt: undefined });
    expect(facts(last).at(-1)).toMatchObject({ by: undefined, changes: [{ type: 'added', userIds: [last.userId] }] });
    expect(relay.of(wireId).members.has(last.userId)).toBe(true);
    await last.stop();
  });

  it('comes back by a welcome', async () => {
    const { owner, last, groupId } = await removedUnread();
    await rounds(last, 3);
    await owner.change(groupId, { type: 'add-members', members: [last.candidate()] });
    await owner.handTo(last);
    expect(await last.group(groupId)).toMatchObject({ standing: 'member', revision: 4 });
    await last.stop();
  });
});

describe('who was removed unread and let in anew', () => {
  /** Whose welcome is lost, and who waits for a key that nobody is to give them. */
  async function letInAnew() {
    const scene = await removedUnread();
    const { owner, bob, last, groupId } = scene;
    await owner.change(groupId, { type: 'remove-members', userIds: [bob.userId] });
    await owner.change(groupId, { type: 'add-members', members: [last.candidate()] });
    const { store, executor } = owner.device;
    const rows = await store.outbox(chatWith(last.userId), 0, 100);
    await executor.run([], (overlay) => {
      for (const { id } of rows) overlay.delete('outbox', { id });
    });
    return { ...scene, rows };
  }

  it('asks for the welcome, as the relay names them, and begins anew: who left meanwhile is out, and nothing goes under the old chain', async () => {
    const { owner, bob, last, groupId } = await letInAnew();
    const chain = { groupId, distributionId: messageIdOf(1), createdAt: 1, messages: 1 };
    await last.device.executor.run([], (overlay) => overlay.put('ownChain', chain));
    await rounds(last, 2);
    expect(await last.waitingFor(owner)).toHaveLength(2);
    await ask(last, 60_000);
    expect(await last.group(groupId)).toMatchObject({ standing: 'member', waitingFor: { keyEpoch: 2 } });
    await last.handTo(owner);
    await owner.handTo(last);
    const group = await last.group(groupId);
    expect(group).toMatchObject({ standing: 'member', revision: 5, waitingFor: undefined, addedBy: owner.userId });
    expect(group.head).toEqual((await owner.group(groupId)).head);
    const row = async ({ userId }: GroupPeer) => last.device.store.get('groupMember', { groupId, userId });
    expect(await row(bob)).toMatchObject({ joinedAt: 1, leftAt: 5 });
    expect(await row(last)).toMatchObject({ joinedAt: 5, leftAt: undefined });
    expect(await last.device.store.get('ownChain', { groupId })).toBeUndefined();
    await owner.change(groupId, { type: 'set-title', title: 'Goes on' });
    await last.follow(groupId);
    expect(await last.group(groupId)).toMatchObject({ title: 'Goes on' });
    await last.stop();
  });

  it('believes no welcome while the key may still come, nor one that does not let them in anew, nor a stranger', async () => {
    const { owner, last, groupId, rows } = await letInAnew();
    const welcome = rows.find(({ content }) => Content.decode(content).body === 'groupWelcome');
    const fields = Content.decode(welcome?.content ?? new Uint8Array());
    const waits = { standing: 'member', revision: 2, waitingFor: { keyEpoch: 2 } };
    await last.hear(owner, fields);
    expect(await last.group(groupId)).toMatchObject({ ...waits, knownRevision: 5 });
    await rounds(last, 2);
    // Of a member since before: a key would let them read on.
    const state = { ...stateOf(await owner.group(groupId)) } as GroupState;
    const members = state.members.map((one) => ({ ...one, joinedAtRevision: 1 }));
    const [key] = (await owner.device.store.groupKeys(groupId)).filter(({ keyEpoch }) => keyEpoch === state.keyEpoch);
    const known = { at: { state: { ...state, members }, head: new Uint8Array(32) }, key: key as GroupKeyRecord };
    await last.hear(owner, { groupWelcome: writeWelcome(known) });
    const [stranger] = (await groupPeers(1, owner.relay)) as [GroupPeer];
    const added = [
      ...state.members,
      { ...stranger.candidate(), role: 'member', joinedAtRevision: 5, joinedAtEpoch: 3 },
    ].sort((one, other) => (one.userId < other.userId ? -1 : 1)) as GroupState['members'];
    await last.hear(stranger, {
      groupWelcome: writeWelcome({ ...known, at: { ...known.at, state: { ...state, members: added } } }),
    });
    expect(await last.group(groupId)).toMatchObject(waits);
    await last.hear(owner, fields);
    expect(await last.group(groupId)).toMatchObject({ revision: 5, waitingFor: undefined });
    await last.stop();
  });
});

describe('who is put out of the relay’s table', () => {
  it('reads the log before they let themselves in, and stays out when it says so', async () => {
    const { relay, owner, others, groupId, wireId } = await groupOfPeers(3);
    const [, last] = others as [GroupPeer, GroupPeer];
    await owner.change(groupId, { type: 'remove-members', userIds: [last.userId] });
    await expect(last.change(groupId, { type: 'leave' })).rejects.toMatchObject({ code: 'group-not-member' });
    expect(relay.of(wireId).members.has(last.userId)).toBe(false);
    expect(await last.group(groupId)).toMatchObject({ standing: 'removed' });
  });
});
