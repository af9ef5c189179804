import { randomUUID } from 'node:crypto';
import { memoryStore } from '@sotto/sdk';
import type { Change, GroupMemberRecord, GroupRecord } from '@sotto/sdk/ports';
import { expect, it } from 'vitest';
import { loggedStore } from './logged-store.ts';

const [groupId, userId] = [randomUUID() as GroupRecord['id'], randomUUID() as GroupRecord['adminId']];

const group = (revision: number): Change => ({
  type: 'put',
  kind: 'group',
  record: {
    id: groupId,
    wireId: new Uint8Array(32),
    title: 'group',
    avatar: undefined,
    adminId: userId,
    state: new Uint8Array(1),
    head: new Uint8Array(32),
    revision,
    knownRevision: revision,
    standing: 'member',
    addedBy: undefined,
    fork: undefined,
    checkpointRevision: 0,
    checkpointEpoch: 0,
    waitingFor: undefined,
    createdAt: 1,
    updatedAt: 1,
  },
});

const member = (leftAt?: number): Change => ({
  type: 'put',
  kind: 'groupMember',
  record: {
    id: userId,
    groupId,
    userId,
    joinedAt: 1,
    leftAt,
    leftSeenAt: leftAt,
    passedUpTo: 0,
    goneAt: undefined,
  },
});

it('who left is told of as the log of the group says, and not as a device that was only told that it is out guesses', async () => {
  const told: GroupMemberRecord['leftAt'][] = [];
  const opener = loggedStore(memoryStore(), {
    member: ({ leftAt }) => told.push(leftAt),
    applied: () => undefined,
    dropped: () => undefined,
  });
  const { store, opening } = await opener.open();
  for (const changes of [
    [group(1), member()],
    [group(5), member(6)],
    [member(6)],
    [group(8), member(8)],
    [member(8)],
  ]) {
    await store.commit(changes, opening.ownerEpoch);
  }
  expect(told).toEqual([undefined, 8, 8]);
  await store.close();
});
