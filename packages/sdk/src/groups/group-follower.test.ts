import { describe, expect, it } from 'vitest';
import { type GroupPeer, groupOfPeers } from '../../test/group-peer.ts';
import { defaultPlatform } from '../platform/platform.node.ts';
import { encodeState } from './group-state.ts';
import { stateOf } from './stored-group.ts';
import { sealRecord } from './write-record.ts';

const { randomness } = defaultPlatform();

const title = (text: string) => ({ type: 'set-title', title: text }) as const;

async function three() {
  const { others, ...rest } = await groupOfPeers(3);
  const [bob, carol] = others as [GroupPeer, GroupPeer];
  return { ...rest, bob, carol };
}

describe('following a log', () => {
  it('goes on page after page to its end, in commits of a few records, and tells the news', async () => {
    const { relay, owner, bob, groupId } = await three();
    for (let at = 0; at < 40; at++) await owner.change(groupId, title(`Title ${at}`));
    relay.pageSize = 7;
    await bob.follow(groupId);
    expect(await bob.group(groupId)).toMatchObject({ title: 'Title 39', revision: 41, standing: 'member' });
    expect((await bob.group(groupId)).head).toEqual((await owner.group(groupId)).head);
    expect(bob.news()).toHaveLength(41);
    expect(bob.moved).toEqual([groupId]);
    await bob.follow(groupId);
    expect(bob.moved).toEqual([groupId]);
  });

  it('stops at a missing key, names all that are missing, and goes on when they are there', async () => {
    const { owner, bob, carol, groupId } = await three();
    await owner.change(groupId, { type: 'remove-members', userIds: [carol.userId] });
    await owner.change(groupId, title('Under the second key'));
    await bob.follow(groupId);
    expect(await bob.group(groupId)).toMatchObject({ revision: 2, title: 'Rowers', waitingFor: { keyEpoch: 2 } });
    expect(bob.told('group.waiting')).toBe(1);
    await bob.follow(groupId);
    expect(bob.told('group.waiting')).toBe(1);
    await owner.handTo(bob);
    expect(await bob.group(groupId)).toMatchObject({
      revision: 3,
      title: 'Under the second key',
      waitingFor: undefined,
    });
    expect((await bob.device.store.groupKeys(groupId)).map(({ evaluated }) => evaluated)).toEqual([true, true]);
  });

  it('forgets keys of epochs that are over, which opened nothing', async () => {
    const { owner, bob, groupId } = await three();
    await owner.change(groupId, title('Divers'));
    const useless = { groupId, keyEpoch: 1, keyCommitment: new Uint8Array(32).fill(9), key: new Uint8Array(32) };
    await bob.device.executor.run([], (overlay) => overlay.put('groupKey', { ...useless, evaluated: false }));
    await bob.follow(groupId);
    expect(await bob.device.store.groupKeys(groupId)).toHaveLength(1);
  });

  it('of who is put out ends with the record that does it', async () => {
    const { relay, owner, carol, bob, groupId, wireId } = await three();
    await owner.change(groupId, { type: 'remove-members', userIds: [carol.userId] });
    await owner.change(groupId, title('Without Carol'));
    relay.of(wireId).members.add(carol.userId);
    await carol.follow(groupId);
    expect(await carol.group(groupId)).toMatchObject({ revision: 2, standing: 'removed', title: 'Rowers' });
    const row = await carol.device.store.get('groupMember', { groupId, userId: carol.userId });
    expect(row).toMatchObject({ leftAt: 2 });
    expect(bob.told('group.changed')).toBe(1);
  });
});

describe('a log that is another one than before  [security: group-membership]', () => {
  it('is shorter: told once, and taken no further', async () => {
    const { relay, owner, bob, groupId } = await three();
    await owner.change(groupId, title('Divers'));
    await bob.follow(groupId);
    relay.tamper = ({ records }) => ({ records: records.slice(0, 0), firstRevision: 2, lastRevision: 1 });
    await bob.follow(groupId);
    await bob.follow(groupId);
    expect(await bob.group(groupId)).toMatchObject({ revision: 2, fork: { by: undefined, accepted: false } });
    expect(bob.told('group.forked')).toBe(1);
    await expect(bob.change(groupId, { type: 'leave' })).rejects.toMatchObject({ code: 'group-forked' });
  });

  it('has other bytes at the end of what is known', async () => {
    const { relay, owner, bob, groupId } = await three();
    relay.tamper = (page) => ({
      ...page,
      records: page.records.map((one, at) => (page.firstRevision + at === 1 ? one.slice(1) : one)),
    });
    await owner.change(groupId, title('Divers'));
    await bob.follow(groupId);
    expect(await bob.group(groupId)).toMatchObject({ revision: 1, fork: { by: undefined, accepted: false } });
  });

  it('leads to another head than a member has named before', async () => {
    const { owner, bob, groupId } = await three();
    await bob.device.executor.run([], (overlay) =>
      overlay.put('groupHead', { groupId, revision: 2, head: new Uint8Array(32), saidBy: owner.userId }),
    );
    await owner.change(groupId, title('Divers'));
    await bob.follow(groupId);
    expect(await bob.group(groupId)).toMatchObject({ revision: 2, fork: { by: owner.userId, revision: 2 } });
    expect(bob.told('group.forked')).toBe(1);
  });

  it('has a gap after what is known: nothing of it is taken', async () => {
    const { relay, owner, bob, groupId } = await three();
    await owner.change(groupId, title('Divers'));
    await owner.change(groupId, title('Swimmers'));
    relay.tamper = ({ records, lastRevision }) => ({
      records: records.slice(-1),
      firstRevision: lastRevision,
      lastRevision,
    });
    await bob.follow(groupId);
    expect(await bob.group(groupId)).toMatchObject({ revision: 1, title: 'Rowers', fork: undefined });
    expect(bob.logged).toContain('group.log-has-gap');
  });

  it('leaves the heads of long ago: what was on its way meanwhile is checked by them', async () => {
    const { relay, bob, groupId, wireId } = await three();
    const group = await bob.group(groupId);
    const state = stateOf(group);
    if (state === undefined) throw new Error('they are in no group');
    // As after an absence in which a member has put a thousand records that change nothing.
    const revision = 1_086;
    const { records } = relay.of(wireId);
    const header = { wireId, keyEpoch: 1, keyCommitment: state.keyCommitment };
    while (records.length < 1_089) {
      const change = randomness.bytes(10);
      records.push(sealRecord({ ...header, revision: records.length + 1 }, change, randomness.bytes(32), randomness));
    }
    await bob.device.executor.run([], (overlay) =>
      overlay.put('group', { ...group, revision, knownRevision: revision, state: encodeState({ ...state, revision }) }),
    );
    await bob.follow(groupId);
    expect(await bob.group(groupId)).toMatchObject({ revision: 1_089 });
    expect(await bob.device.store.get('groupHead', { groupId, revision: 1 })).toBeDefined();
  });
});
