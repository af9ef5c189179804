import { describe, expect, it } from 'vitest';
import { userIdOf } from '../../test/numbered-uuid.ts';
import { logger, randomness, type TestDevice } from '../../test/test-device.ts';
import { type TwoSided, twoSided } from '../../test/two-sided.ts';
import { ownWordsTo } from '../outbox/own-words.ts';
import { newUser } from '../people/blocked.ts';
import type { GroupRecord } from '../ports/group-records.ts';
import type { ChatId, GroupId, UserId } from '../ports/ids.ts';
import { SottoError } from '../sotto-error.ts';
import { ProfileKeyRotation } from './profile-key-rotation.ts';

interface Rotating extends TwoSided {
  readonly rotation: ProfileKeyRotation;
  readonly next: Uint8Array;
  /** The keys under which the relay was given the profile. */
  readonly stored: Uint8Array[];
  readonly told: ChatId[];
  /** Happens while the relay is asked. */
  meanwhile: () => Promise<void>;
  key(): Promise<{ readonly profileKey: Uint8Array | undefined; readonly nextProfileKey: Uint8Array | undefined }>;
  block(userId: UserId): Promise<void>;
}

/** Bob, for whom a new key waits. */
async function rotating(): Promise<Rotating> {
  const sides = await twoSided();
  const { bob } = sides;
  const next = randomness.bytes(32);
  await bob.executor.run([], (overlay) => overlay.put('account', { ...bob.account, nextProfileKey: next }));
  const stored: Uint8Array[] = [];
  const told: ChatId[] = [];
  const scene: Rotating = {
    ...sides,
    next,
    stored,
    told,
    meanwhile: async () => undefined,
    async key() {
      const account = await bob.store.get('account', {});
      return { profileKey: account?.profileKey, nextProfileKey: account?.nextProfileKey };
    },
    block: (userId) => bob.executor.run([], (overlay) => overlay.put('user', { ...newUser(userId, 1), blockedAt: 1 })),
    rotation: new ProfileKeyRotation({
      executor: bob.executor,
      queries: bob.store,
      profiles: {
        inTurn: (work) => work(),
        storeUnder: async (key) => {
          stored.push(key);
          await scene.meanwhile();
          return { username: bob.account.username, avatarHash: undefined };
        },
      },
      origin: bob.origin,
      clock: bob.clock,
      logger,
      onRotating: async () => undefined,
      onRotated: async (chats) => void told.push(...chats),
    }),
  };
  return scene;
}

/** A group that this account is in, with these members; somebody has left it. */
async function inGroup({ executor }: TestDevice, members: readonly UserId[]): Promise<void> {
  const groupId = userIdOf(90) as string as GroupId;
  const group: GroupRecord = {
    id: groupId,
    wireId: new Uint8Array(32),
    title: 'three',
    avatar: undefined,
    adminId: userIdOf(3),
    state: new Uint8Array(1),
    head: new Uint8Array(32),
    revision: 1,
    knownRevision: 1,
    standing: 'member',
    addedBy: undefined,
    fork: undefined,
    checkpointRevision: 0,
    checkpointEpoch: 0,
    waitingFor: undefined,
    createdAt: 1,
    updatedAt: 1,
  };
  await executor.run([], (overlay) => {
    overlay.put('group', group);
    for (const [at, userId] of [...members, userIdOf(4)].entries()) {
      const left = at === members.length;
      overlay.put('groupMember', {
        id: userIdOf(91 + at),
        groupId,
        userId,
        joinedAt: 1,
        leftAt: left ? 1 : undefined,
        leftSeenAt: left ? 1 : undefined,
        passedUpTo: 0,
        goneAt: undefined,
      });
    }
  });
}

describe('a new profile key', () => {
  it('is told to contacts and in groups once the relay has it: not to strangers, nor to who is blocked', async () => {
    const { alice, bob, sender, rotation, next, stored, told, key, block, waiting } = await rotating();
    const { userId } = alice.account;
    const [stranger, blocked] = ['00000000-0000-4000-8000-000000000001', '00000000-0000-4000-8000-000000000002'];
    await sender.chat(userId).accept();
    await bob.executor.run([], async (overlay) => {
      const chat = await overlay.get('chat', { id: sender.chat(userId).id });
      if (chat === undefined) throw new Error('there is a chat');
      for (const [at, id, accepted] of [
        [1, stranger, false],
        [2, blocked, true],
      ] as const) {
        overlay.put('chat', { ...chat, id: id as ChatId, userId: id as UserId, accepted, activity: 1_000 + at });
      }
    });
    await block(blocked as UserId);
    const fellow = userIdOf(3);
    await inGroup(bob, [bob.account.userId, userId, fellow, blocked as UserId]);
    await rotation.pass();
    expect(stored).toEqual([next]);
    expect(await key()).toEqual({ profileKey: next, nextProfileKey: undefined });
    expect(told).toEqual([userId, fellow]);
    expect([...(await bob.store.outboxChats())].sort()).toEqual([userId, fellow].sort());
    expect(await waiting()).toMatchObject([{ seq: 0, body: undefined }]);
    const words = await bob.executor.run([], (overlay) =>
      ownWordsTo(overlay, { ...bob.origin(), now: 7 }, sender.chat(userId).id, userId),
    );
    expect(words).toMatchObject({ profileKey: next, at: 7 });
    await rotation.pass();
    expect(stored).toHaveLength(1);
  });

  it('waits while the relay can not be asked, and after a crash is asked for as the same', async () => {
    const scene = await rotating();
    const { bob, rotation, next, stored, told, key } = scene;
    scene.meanwhile = () => Promise.reject(new SottoError('relay-unreachable', 'away', { retryable: true }));
    await expect(rotation.pass()).rejects.toMatchObject({ code: 'relay-unreachable' });
    scene.meanwhile = async () => {
      bob.disk.full = true;
    };
    await expect(rotation.pass()).rejects.toMatchObject({ code: 'store-unavailable' });
    bob.disk.full = false;
    expect(await key()).toEqual({ profileKey: bob.account.profileKey, nextProfileKey: next });
    expect(told).toEqual([]);
    scene.meanwhile = async () => undefined;
    rotation.wake();
    rotation.wake();
    await rotation.stop();
    expect(stored).toEqual([next, next, next]);
    expect(await key()).toEqual({ profileKey: next, nextProfileKey: undefined });
  });

  it('is not told to who is blocked while the relay is asked', async () => {
    const scene = await rotating();
    const { alice, bob, sender, rotation, told, block } = scene;
    const { userId } = alice.account;
    await sender.chat(userId).accept();
    scene.meanwhile = () => block(userId);
    await rotation.pass();
    expect(told).toEqual([]);
    expect(await bob.store.outboxChats()).toEqual([]);
  });

  it('waits while a device is being revoked, who would be told of it: also when that begins while the relay is asked  [security: sealed-sends]', async () => {
    const scene = await rotating();
    const { alice, bob, sender, rotation, next, stored, told, key } = scene;
    await sender.chat(alice.account.userId).accept();
    const revoking = () =>
      bob.executor.run([], (overlay) =>
        overlay.put('listIntent', { signed: new Uint8Array(1), identityKeyPair: new Uint8Array(69), createdAt: 1 }),
      );
    await revoking();
    await rotation.pass();
    expect(stored).toEqual([]);
    await bob.executor.run([], (overlay) => overlay.delete('listIntent', {}));
    scene.meanwhile = revoking;
    await rotation.pass();
    expect(stored).toEqual([next]);
    expect([await key(), told]).toEqual([{ profileKey: bob.account.profileKey, nextProfileKey: next }, []]);
    scene.meanwhile = async () => undefined;
    await bob.executor.run([], (overlay) => overlay.delete('listIntent', {}));
    await rotation.pass();
    expect([await key(), told]).toEqual([{ profileKey: next, nextProfileKey: undefined }, [alice.account.userId]]);
  });

  it('is not asked for by an account that is over', async () => {
    const { bob, rotation, next, stored } = await rotating();
    await bob.executor.run([], (overlay) =>
      overlay.put('account', { ...bob.account, nextProfileKey: next, ended: true }),
    );
    await rotation.pass();
    expect(stored).toEqual([]);
  });
});
