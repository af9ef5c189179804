import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type GroupPeer, groupOfPeers } from '../../test/group-peer.ts';
import { openExecutor } from '../../test/open-executor.ts';
import { chatOfGroup } from '../chats/chat-state.ts';
import type { GroupFork, GroupRecord } from '../ports/group-records.ts';
import type { GroupId, UserId } from '../ports/ids.ts';
import {
  acceptFork,
  forkAfter,
  isForkedByRelay,
  isSendingStopped,
  noteForkByMember,
  noteForkByRelay,
  settleByWord,
} from './group-fork.ts';
import { groupLock } from './group-lock.ts';
import { encodeState, type GroupState } from './group-state.ts';
import { stateOf } from './stored-group.ts';

const title = (text: string) => ({ type: 'set-title', title: text }) as const;
const falseHead = new Uint8Array(32).fill(9);

/** Three of whom the last one lies, and the owner is told so. */
async function liedTo() {
  const { owner, others, ...rest } = await groupOfPeers(3);
  const [bob, mallory] = others as [GroupPeer, GroupPeer];
  const { groupId, wireId } = rest;
  const say = async (revision: number, head: Uint8Array, to = owner) => {
    await to.hear(mallory, { groupId: wireId, groupEpoch: revision, groupHead: head, groupPoke: {} });
  };
  await owner.change(groupId, title('Divers'));
  await say(2, falseHead);
  return { ...rest, owner, bob, mallory, say };
}

const forkAt = async (peer: GroupPeer, groupId: GroupId) => (await peer.group(groupId)).fork;

describe('a member who says that the group is another one  [security: group-membership]', () => {
  it('is told of with their name, once, and stops no change: not the one that removes them, which ends it', async () => {
    const { owner, bob, mallory, groupId, say } = await liedTo();
    expect(await forkAt(owner, groupId)).toMatchObject({ by: mallory.userId, revision: 2, accepted: false });
    await say(2, falseHead);
    expect(owner.told('group.forked')).toBe(1);
    await owner.change(groupId, title('Swimmers'));
    expect(isSendingStopped(await owner.group(groupId))).toBe(true);
    const moved = owner.queued.length;
    await owner.change(groupId, { type: 'remove-members', userIds: [mallory.userId] });
    expect(await forkAt(owner, groupId)).toBeUndefined();
    expect(owner.queued.slice(moved)).toContain(chatOfGroup(groupId));
    // Of one who is out nothing is heard.
    await say(2, falseHead);
    expect(await forkAt(owner, groupId)).toBeUndefined();
    // Whoever reads the removal is free by it, too.
    await say(1, falseHead, bob);
    expect(await forkAt(bob, groupId)).toMatchObject({ by: mallory.userId });
    await owner.handTo(bob);
    await bob.follow(groupId);
    expect(await bob.group(groupId)).toMatchObject({ revision: 4, fork: undefined });
    expect(bob.moved).toContain(groupId);
  });

  it('ends it by the true head of that revision or a later one, not of an earlier one', async () => {
    const { owner, groupId, say } = await liedTo();
    const headOf = async (revision: number) =>
      (await owner.device.store.get('groupHead', { groupId, revision }))?.head ?? falseHead;
    await say(1, await headOf(1));
    expect(await forkAt(owner, groupId)).toBeDefined();
    await owner.change(groupId, title('Swimmers'));
    await say(3, await headOf(3));
    expect(await forkAt(owner, groupId)).toBeUndefined();
  });

  it('is passed over by the user as to what is known now, also what they had said of what comes; later they are heard again', async () => {
    const { owner, mallory, groupId, say } = await liedTo();
    await say(4, falseHead);
    await owner.accept(groupId);
    expect(await forkAt(owner, groupId)).toBeUndefined();
    await say(1, falseHead);
    await say(2, falseHead);
    await owner.change(groupId, title('Swimmers'));
    await owner.change(groupId, title('Rowers'));
    expect(await forkAt(owner, groupId)).toBeUndefined();
    await say(4, falseHead);
    expect(await forkAt(owner, groupId)).toMatchObject({ by: mallory.userId, revision: 4 });
    expect(owner.told('group.forked')).toBe(2);
  });
});

describe('a relay that shows another log', () => {
  async function forked() {
    const scene = await groupOfPeers(2);
    const { owner, relay, groupId } = scene;
    await owner.change(groupId, title('Divers'));
    relay.tamper = ({ records }) => ({ records: records.slice(0, 0), firstRevision: 2, lastRevision: 1 });
    await owner.follow(groupId);
    return scene;
  }

  it('stops everything until it shows the known one again', async () => {
    const { owner, relay, groupId } = await forked();
    expect(await forkAt(owner, groupId)).toMatchObject({ by: undefined, revision: 2 });
    await expect(owner.change(groupId, title('No'))).rejects.toMatchObject({ code: 'group-forked' });
    const moved = owner.moved.length;
    relay.tamper = (page) => page;
    owner.work.start();
    await turns();
    expect(await forkAt(owner, groupId)).toBeUndefined();
    expect(owner.moved.length).toBe(moved + 1);
    await owner.change(groupId, title('Yes'));
    await owner.stop();
  });

  it('stops messages no more when the user accepts it, and changes still; it is told once', async () => {
    const { owner, groupId } = await forked();
    await owner.accept(groupId);
    await owner.follow(groupId);
    expect(isSendingStopped(await owner.group(groupId))).toBe(false);
    await expect(owner.change(groupId, title('No'))).rejects.toMatchObject({ code: 'group-forked' });
    expect(owner.told('group.forked')).toBe(1);
  });
});

const turns = async () => {
  for (let count = 0; count < 50; count++) await new Promise((resolve) => setImmediate(resolve));
};

const people = [1, 2, 3].map((at) => `00000000-0000-4000-8000-00000000000${at}` as UserId);
const groupId = '00000000-0000-4000-8000-0000000000ff' as GroupId;

/** A step of a group's life, as far as forks go: who (0..2), and of how many revisions before the last one. */
const steps = fc.array(
  fc.record({
    kind: fc.constantFrom('lie', 'truth', 'remove', 'accept', 'advance', 'relay', 'mend'),
    who: fc.nat(2),
    back: fc.nat(3),
  }),
  { maxLength: 30 },
);

/** What is known of a group with these members; only what forks look at. */
function groupAt(revision: number, members: readonly UserId[], fork: GroupFork | undefined): GroupRecord {
  const state: GroupState = {
    wireId: new Uint8Array(32),
    revision,
    rules: 1,
    title: 'Rowers',
    avatar: undefined,
    members: members.map((userId, at) => ({
      userId,
      rootKey: Uint8Array.of(5, ...new Uint8Array(32)),
      role: at === 0 ? 'owner' : 'member',
      deviceListVersion: 1,
      profileKey: undefined,
      joinedAtRevision: 1,
      joinedAtEpoch: 1,
    })),
    requests: [],
    invite: undefined,
    settings: { add: 'admins', edit: 'admins' },
    keyEpoch: 1,
    keyCommitment: new Uint8Array(32).fill(1),
    rekeyDue: false,
  };
  return {
    id: groupId,
    wireId: state.wireId,
    title: state.title,
    avatar: undefined,
    adminId: people[0] as UserId,
    state: encodeState(state),
    head: new Uint8Array(32),
    revision,
    knownRevision: revision,
    standing: 'member',
    addedBy: undefined,
    fork,
    checkpointRevision: 0,
    checkpointEpoch: 0,
    waitingFor: undefined,
    createdAt: 1,
    updatedAt: 1,
  };
}

it('liars and a relay stop a group only until they are settled, and nobody who still contradicts is passed over in silence', async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (commands) => {
      const { executor, store } = await openExecutor();
      const run = async (
        work: (overlay: Parameters<typeof acceptFork>[0], group: GroupRecord) => unknown,
      ): Promise<GroupRecord> => {
        await executor.run([groupLock(groupId)], async (overlay) => {
          await work(overlay, (await overlay.get('group', { id: groupId })) ?? groupAt(4, people, undefined));
        });
        return (await store.get('group', { id: groupId })) as GroupRecord;
      };
      let inside = [...people];
      let revision = 4;
      let relayLies = false;
      let group = await run((overlay, first) => {
        overlay.put('group', first);
        for (const userId of people) {
          const never = { leftAt: undefined, leftSeenAt: undefined, passedUpTo: 0, goneAt: undefined };
          overlay.put('groupMember', { id: userId, groupId, userId, joinedAt: 1, ...never });
        }
      });
      for (const { kind, who, back } of commands) {
        const by = people[who] as UserId;
        const word = { by, revision: revision - back };
        const before = group.fork;
        if (kind === 'lie') {
          const { passedUpTo = 0 } = (await store.get('groupMember', { groupId, userId: by })) ?? {};
          group = await run((overlay, one) => noteForkByMember(overlay, one, word, 1));
          // Passed over is nobody but who is out, who was accepted before, and who comes while another one counts.
          if (inside.includes(by) && word.revision > passedUpTo) expect(group.fork).toBeDefined();
          else expect(group.fork).toEqual(before);
        } else if (kind === 'truth') {
          group = await run((overlay, one) => settleByWord(overlay, one, word));
          const settles = before?.by === by && word.revision >= before.revision;
          expect(group.fork).toEqual(settles ? undefined : before);
        } else if (kind === 'accept') {
          group = await run((overlay, one) => acceptFork(overlay, one, 1));
          expect(isSendingStopped(group)).toBe(false);
          expect(isForkedByRelay(group)).toBe(relayLies);
        } else if (kind === 'relay') {
          relayLies = true;
          group = await run((overlay, one) => noteForkByRelay(overlay, one, revision, 1));
          expect(isForkedByRelay(group)).toBe(true);
        } else if (kind === 'mend') {
          relayLies = false;
          group = await run((overlay, one) => {
            if (isForkedByRelay(one)) overlay.put('group', { ...one, fork: undefined });
          });
        } else {
          revision++;
          if (kind === 'remove' && inside.length > 1) inside = inside.filter((one) => one !== by);
          group = await run((overlay, one) => {
            const next = groupAt(revision, inside, one.fork);
            overlay.put('group', { ...next, fork: forkAfter(next) });
          });
          expect(stateOf(group)?.members).toHaveLength(inside.length);
        }
        if (group.fork?.by !== undefined) expect(inside).toContain(group.fork.by);
      }
      // Once those who lie are out and the relay does not, it goes on, whatever came before.
      group = await run((overlay, one) => {
        const next = groupAt(revision + 1, [], isForkedByRelay(one) ? undefined : one.fork);
        overlay.put('group', { ...next, fork: forkAfter(next) });
      });
      expect(isSendingStopped(group)).toBe(false);
    }),
    { numRuns: 300 },
  );
});
