import type { Change } from '../ports/changes.ts';
import type { GroupMemberRecord, GroupRecord, SenderKeyRecord } from '../ports/group-records.ts';
import type { DeviceId, GroupId, UserId } from '../ports/ids.ts';
import type { HeldRecord } from '../ports/inbox-records.ts';
import type { Store } from '../ports/store.ts';
import { failureCode } from './failure.ts';
import { withStore } from './open-store.ts';
import type { ConformanceRunner } from './runner.ts';
import { chatIdOf, me, messageIdOf, outboxItem, peer } from './store-cases.ts';
import type { MakeStoreHarness } from './store-harness.ts';

const deviceId = 1 as DeviceId;

function groupIdOf(number: number): GroupId {
  return chatIdOf(number) as string as GroupId;
}

function group(number: number, fields: Partial<GroupRecord> = {}): GroupRecord {
  return {
    id: groupIdOf(number),
    wireId: new Uint8Array(32).fill(number),
    title: `group ${number}`,
    avatar: undefined,
    adminId: me,
    state: Uint8Array.of(number),
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
    ...fields,
  };
}

function member(groupNumber: number, userId: UserId): GroupMemberRecord {
  const groupId = groupIdOf(groupNumber);
  return {
    id: `${groupId.slice(0, 24)}${userId.slice(30)}${groupId.slice(30)}`,
    groupId,
    userId,
    joinedAt: 1,
    leftAt: undefined,
    leftSeenAt: undefined,
    passedUpTo: 0,
    goneAt: undefined,
  };
}

function senderKey(distribution: number, fields: Partial<SenderKeyRecord> = {}): SenderKeyRecord {
  return {
    userId: peer,
    deviceId,
    distributionId: messageIdOf(distribution),
    groupId: groupIdOf(1),
    record: Uint8Array.of(distribution),
    chains: [{ ratchetKey: '7', highest: distribution }],
    createdAt: 10 - distribution,
    ...fields,
  };
}

function shared(distribution: number, userId: UserId, device = 1): Change {
  const distributionId = messageIdOf(distribution);
  const record = {
    distributionId,
    userId,
    deviceId: device as DeviceId,
    registrationId: 1,
    at: 1,
    again: device === 2,
  };
  return { type: 'put', kind: 'senderKeyShared', record };
}

function held(arrival: number, groupId: GroupId | undefined): HeldRecord {
  return {
    // What came later does not come later by its digest.
    digest: Uint8Array.of(100 - arrival),
    envelope: Uint8Array.of(1),
    reason: 'no-sender-key',
    // The clock went back after the first of them.
    heldAt: 100 - arrival,
    arrival,
    retries: 0,
    sender: peer,
    messageId: messageIdOf(arrival),
    groupId,
    mendable: true,
    requests: 0,
    requestAt: undefined,
  };
}

function putGroup(record: GroupRecord): Change {
  return { type: 'put', kind: 'group', record };
}

/** Every query over groups, by its name. */
const queries: Readonly<Record<string, (store: Store) => Promise<readonly unknown[]>>> = {
  receipts: (store) => store.receipts(messageIdOf(1)),
  blockedUsers: (store) => store.blockedUsers(),
  declined: (store) => store.declined(9, 9),
  groups: (store) => store.groups(undefined, 10),
  groupRequests: (store) => store.groupRequests(10),
  groupsBehind: (store) => store.groupsBehind(),
  groupMembers: (store) => store.groupMembers(groupIdOf(1)),
  groupsWith: (store) => store.groupsWith(me),
  groupKeys: (store) => store.groupKeys(groupIdOf(1)),
  groupIntents: (store) => store.groupIntents(),
  senderKeys: (store) => store.senderKeys(groupIdOf(1), me, deviceId),
  senderKeyShared: (store) => store.senderKeyShared(messageIdOf(1)),
  heldOfGroup: (store) => store.heldOfGroup(groupIdOf(1), 10),
};

/** Records that no store takes, by the rule that they break. */
const refused: Readonly<Record<string, Change>> = {
  'neither recipient nor group of something on its way out': {
    type: 'put',
    kind: 'outbox',
    record: outboxItem(9, { recipient: undefined }),
  },
  'a title of 26 characters': putGroup(group(9, { title: '👋'.repeat(26) })),
  'a group id that is no UUID': putGroup(group(9, { id: 'group' as GroupId })),
  'a distribution id that is no UUID': {
    type: 'put',
    kind: 'senderKey',
    record: senderKey(9, { distributionId: 'chain' }),
  },
  'a trust root of 32 bytes': {
    type: 'put',
    kind: 'certificate',
    record: { trustRoots: [new Uint8Array(33), new Uint8Array(32)], certificate: undefined, expiresAt: 0 },
  },
};

/** What groups are kept in. */
export function storeGroupCases({ describe, it, expect }: ConformanceRunner, makeHarness: MakeStoreHarness): void {
  describe('groups', () => {
    it(
      'an empty store has none; a closed one says so',
      withStore(makeHarness, async ({ store }) => {
        for (const query of Object.values(queries)) expect(await query(store)).toEqual([]);
        await store.close();
        for (const query of Object.values(queries)) expect(await failureCode(query(store))).toBe('store-closed');
      }),
    );

    for (const [rule, bad] of Object.entries(refused)) {
      it(
        `a record that breaks a rule leaves nothing of its commit: ${rule}`,
        withStore(makeHarness, async ({ store, opening: { ownerEpoch } }) => {
          expect(await failureCode(store.commit([putGroup(group(1)), bad], ownerEpoch))).toBe('argument-invalid');
          expect(await store.groups(undefined, 10)).toEqual([]);
        }),
      );
    }

    it(
      'pages of groups walk by id; behind are those that know of more, or wait for a key',
      withStore(makeHarness, async ({ store, opening: { ownerEpoch } }) => {
        const waitingFor = { keyEpoch: 2, keyCommitment: new Uint8Array(32), since: 1, asked: 0, askAt: 5 };
        const all = [group(1), group(2, { knownRevision: 2 }), group(3), group(4, { waitingFor })];
        await store.commit(all.toReversed().map(putGroup), ownerEpoch);
        const numbers = (found: readonly GroupRecord[]) => found.map(({ title }) => title.slice(6)).join();
        const first = await store.groups(undefined, 3);
        expect(numbers(first)).toBe('1,2,3');
        expect(numbers(await store.groups(first.at(-1)?.id, 3))).toBe('4');
        expect(numbers((await store.groupsBehind()).toSorted((a, b) => (a.id < b.id ? -1 : 1)))).toBe('2,4');
        const changed = ['revision', 'waitingFor'] as const;
        const caughtUp = group(2, { revision: 2, knownRevision: 2 });
        await store.commit(
          [
            { type: 'put', kind: 'group', record: caughtUp, changed },
            { type: 'put', kind: 'group', record: group(4, { revision: 2 }), changed },
          ],
          ownerEpoch,
        );
        expect(await store.groupsBehind()).toEqual([]);
        expect(await store.get('group', { id: groupIdOf(2) })).toEqual(caughtUp);
        expect((await store.get('group', { id: groupIdOf(4) }))?.waitingFor).toBe(undefined);
      }),
    );

    it(
      'members are found by group and by user, before their group is there and after it went',
      withStore(makeHarness, async ({ store, opening: { ownerEpoch } }) => {
        const members = [member(1, peer), member(1, me), member(2, me)];
        await store.commit(
          members.map((record): Change => ({ type: 'put', kind: 'groupMember', record })),
          ownerEpoch,
        );
        expect((await store.groupMembers(groupIdOf(1))).map(({ userId }) => userId)).toEqual([me, peer]);
        expect((await store.groupsWith(me)).map(({ groupId }) => groupId)).toEqual([groupIdOf(1), groupIdOf(2)]);
        await store.commit([putGroup(group(1)), { type: 'delete', kind: 'group', key: group(1) }], ownerEpoch);
        expect((await store.groupMembers(groupIdOf(1))).length).toBe(2);
        await store.commit([{ type: 'delete', kind: 'groupMember', key: member(1, me) }], ownerEpoch);
        expect((await store.groupsWith(me)).map(({ groupId }) => groupId)).toEqual([groupIdOf(2)]);
      }),
    );

    it(
      'chains of a device come oldest first; those it was given to go with it',
      withStore(makeHarness, async ({ store, opening: { ownerEpoch } }) => {
        const keys = [
          senderKey(1),
          senderKey(2),
          senderKey(3, { groupId: groupIdOf(2) }),
          senderKey(4, { userId: me }),
        ];
        await store.commit(
          [
            ...keys.map((record): Change => ({ type: 'put', kind: 'senderKey', record })),
            ...[shared(1, peer, 2), shared(1, peer), shared(1, me), shared(2, peer)],
          ],
          ownerEpoch,
        );
        const chains = await store.senderKeys(groupIdOf(1), peer, deviceId);
        expect(chains.map(({ distributionId }) => distributionId)).toEqual([messageIdOf(2), messageIdOf(1)]);
        const given = await store.senderKeyShared(messageIdOf(1));
        expect(given.map((one) => [one.userId, one.deviceId])).toEqual([
          [me, 1],
          [peer, 1],
          [peer, 2],
        ]);
        const distributionId = messageIdOf(1);
        await store.commit([{ type: 'prune', kind: 'senderKeyShared', distributionId }], ownerEpoch);
        expect(await store.senderKeyShared(distributionId)).toEqual([]);
        expect((await store.senderKeyShared(messageIdOf(2))).length).toBe(1);
      }),
    );

    it(
      'heads below a revision go, in one group only',
      withStore(makeHarness, async ({ store, opening: { ownerEpoch } }) => {
        const revisions = [1, 2, 3];
        const head = new Uint8Array(32);
        const heads = [1, 2].flatMap((number) =>
          revisions.map((revision) => ({ groupId: groupIdOf(number), revision, head, saidBy: undefined })),
        );
        await store.commit(
          [
            ...heads.map((record): Change => ({ type: 'put', kind: 'groupHead', record })),
            { type: 'prune', kind: 'groupHead', groupId: groupIdOf(1), before: 3 },
          ],
          ownerEpoch,
        );
        const left = await Promise.all(heads.map((key) => store.get('groupHead', key)));
        expect(left.map((record) => record !== undefined)).toEqual([false, false, true, true, true, true]);
      }),
    );

    it(
      'keys by epoch, what is held of a group as it came, and how far each recipient is by user',
      withStore(makeHarness, async ({ store, opening: { ownerEpoch } }) => {
        const key = (keyEpoch: number, commitment: number): Change => ({
          type: 'put',
          kind: 'groupKey',
          record: {
            groupId: groupIdOf(1),
            keyEpoch,
            keyCommitment: Uint8Array.of(commitment),
            key: Uint8Array.of(commitment),
            evaluated: false,
          },
        });
        const heldOnes = [held(30, groupIdOf(1)), held(10, groupIdOf(1)), held(20, groupIdOf(2)), held(25, undefined)];
        await store.commit(
          [
            ...[key(2, 1), key(1, 9), key(2, 0)],
            ...heldOnes.map((record): Change => ({ type: 'put', kind: 'held', record })),
            ...[peer, me].map(
              (userId): Change => ({
                type: 'put',
                kind: 'receipt',
                record: { messageId: messageIdOf(1), userId, state: 'sent', at: 1 },
              }),
            ),
          ],
          ownerEpoch,
        );
        const keys = await store.groupKeys(groupIdOf(1));
        expect(keys.map(({ keyEpoch, key: [first] }) => [keyEpoch, first])).toEqual([
          [1, 9],
          [2, 0],
          [2, 1],
        ]);
        const ofGroup = await store.heldOfGroup(groupIdOf(1), 9);
        expect(ofGroup.map(({ arrival }) => arrival)).toEqual([10, 30]);
        expect(await store.heldOfGroup(groupIdOf(1), 1)).toEqual(ofGroup.slice(0, 1));
        expect(await store.heldOfGroup(groupIdOf(1), 9, ofGroup[0])).toEqual(ofGroup.slice(1));
        expect((await store.receipts(messageIdOf(1))).map(({ userId }) => userId)).toEqual([me, peer]);
      }),
    );
  });
}
