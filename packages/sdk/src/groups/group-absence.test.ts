import { describe, expect, it } from 'vitest';
import { type GroupPeer, groupOfPeers } from '../../test/group-peer.ts';
import { unreachable } from '../../test/group-service.ts';
import { addHiddenContent } from '../outbox/hidden-row.ts';
import { writeGroupKeys } from './group-keys.ts';

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
