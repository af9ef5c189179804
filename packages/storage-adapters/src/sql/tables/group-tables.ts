import type { GroupFork, GroupId, GroupRecord, GroupStanding, MissingGroupKey, UserId } from '@sotto/sdk/ports';
import type { SqlRow } from '../../driver/sql-driver.ts';
import { bytes, flag, id, ids, idsBytes, integer, json, optional, text } from '../columns.ts';
import { recordTable } from '../record-table.ts';
import { uuidBytes } from '../uuid.ts';

function readMissingKey(row: SqlRow): MissingGroupKey {
  return {
    keyEpoch: integer(row, 'waiting_epoch'),
    keyCommitment: bytes(row, 'waiting_commitment'),
    since: integer(row, 'waiting_since'),
    asked: integer(row, 'waiting_asked'),
    askAt: integer(row, 'waiting_ask_at'),
  };
}

function readFork(row: SqlRow): GroupFork {
  return {
    at: integer(row, 'forked_at'),
    by: optional(row, 'forked_by', id<UserId>),
    revision: integer(row, 'forked_revision'),
    accepted: flag(row, 'fork_accepted'),
  };
}

function optionalId(value: UserId | undefined): Uint8Array | null {
  return value === undefined ? null : uuidBytes(value);
}

/** Groups. */
export const groupTable = recordTable<'group'>({
  table: '"group"',
  key: { id: (group) => uuidBytes(group.id) },
  fields: {
    title: (group) => group.title,
    avatar: (group) => group.avatar ?? null,
    admin_id: (group) => uuidBytes(group.adminId),
    created_at: (group) => group.createdAt,
    updated_at: (group) => group.updatedAt,
    wire_id: (group) => group.wireId,
    revision: (group) => group.revision,
    known_revision: (group) => group.knownRevision,
    standing: (group) => group.standing,
    added_by: (group) => optionalId(group.addedBy),
    forked_at: ({ fork }) => fork?.at ?? null,
    forked_by: ({ fork }) => optionalId(fork?.by),
    forked_revision: ({ fork }) => fork?.revision ?? null,
    fork_accepted: ({ fork }) => (fork === undefined ? null : Number(fork.accepted)),
    checkpoint_revision: (group) => group.checkpointRevision,
    checkpoint_epoch: (group) => group.checkpointEpoch,
    waiting_epoch: ({ waitingFor }) => waitingFor?.keyEpoch ?? null,
    waiting_commitment: ({ waitingFor }) => waitingFor?.keyCommitment ?? null,
    waiting_since: ({ waitingFor }) => waitingFor?.since ?? null,
    waiting_asked: ({ waitingFor }) => waitingFor?.asked ?? null,
    waiting_ask_at: ({ waitingFor }) => waitingFor?.askAt ?? null,
    head: (group) => group.head,
    state: (group) => group.state,
  },
  spread: {
    fork: ['forked_at', 'forked_by', 'forked_revision', 'fork_accepted'],
    waitingFor: ['waiting_epoch', 'waiting_commitment', 'waiting_since', 'waiting_asked', 'waiting_ask_at'],
  },
  read: (row): GroupRecord => ({
    id: id<GroupId>(row, 'id'),
    wireId: bytes(row, 'wire_id'),
    title: text(row, 'title'),
    avatar: optional(row, 'avatar', text),
    adminId: id(row, 'admin_id'),
    state: bytes(row, 'state'),
    head: bytes(row, 'head'),
    revision: integer(row, 'revision'),
    knownRevision: integer(row, 'known_revision'),
    standing: text(row, 'standing') as GroupStanding,
    addedBy: optional(row, 'added_by', id<UserId>),
    fork: row.forked_at === null ? undefined : readFork(row),
    checkpointRevision: integer(row, 'checkpoint_revision'),
    checkpointEpoch: integer(row, 'checkpoint_epoch'),
    waitingFor: row.waiting_epoch === null ? undefined : readMissingKey(row),
    createdAt: integer(row, 'created_at'),
    updatedAt: integer(row, 'updated_at'),
  }),
});

/** Who is and was in them. */
export const groupMemberTable = recordTable<'groupMember'>({
  table: 'user_group',
  key: { group_id: (member) => uuidBytes(member.groupId), user_id: (member) => uuidBytes(member.userId) },
  fields: {
    id: (member) => uuidBytes(member.id),
    joined_at: (member) => member.joinedAt,
    left_at: (member) => member.leftAt ?? null,
    left_seen_at: (member) => member.leftSeenAt ?? null,
    passed_up_to: (member) => member.passedUpTo,
    gone_at: (member) => member.goneAt ?? null,
  },
  read: (row) => ({
    id: id<string>(row, 'id'),
    groupId: id(row, 'group_id'),
    userId: id(row, 'user_id'),
    joinedAt: integer(row, 'joined_at'),
    leftAt: optional(row, 'left_at', integer),
    leftSeenAt: optional(row, 'left_seen_at', integer),
    passedUpTo: integer(row, 'passed_up_to'),
    goneAt: optional(row, 'gone_at', integer),
  }),
});

/** The keys to their states. */
export const groupKeyTable = recordTable<'groupKey'>({
  table: 'group_key',
  key: {
    group_id: (key) => uuidBytes(key.groupId),
    key_epoch: (key) => key.keyEpoch,
    key_commitment: (key) => key.keyCommitment,
  },
  fields: { key: (key) => key.key, evaluated: (key) => Number(key.evaluated) },
  read: (row) => ({
    groupId: id(row, 'group_id'),
    keyEpoch: integer(row, 'key_epoch'),
    keyCommitment: bytes(row, 'key_commitment'),
    key: bytes(row, 'key'),
    evaluated: flag(row, 'evaluated'),
  }),
});

/** What their logs came to. */
export const groupHeadTable = recordTable<'groupHead'>({
  table: 'group_head',
  key: { group_id: (head) => uuidBytes(head.groupId), revision: (head) => head.revision },
  fields: { head: (head) => head.head, said_by: (head) => optionalId(head.saidBy) },
  read: (row) => ({
    groupId: id(row, 'group_id'),
    revision: integer(row, 'revision'),
    head: bytes(row, 'head'),
    saidBy: optional(row, 'said_by', id<UserId>),
  }),
});

/** Own changes on their way. */
export const groupIntentTable = recordTable<'groupIntent'>({
  table: 'group_intent',
  key: { group_id: (intent) => uuidBytes(intent.groupId) },
  fields: {
    revision: (intent) => intent.revision,
    key_epoch: (intent) => intent.keyEpoch,
    key: (intent) => intent.key ?? null,
    key_rows: (intent) => JSON.stringify(intent.keyRows),
    invite_key: (intent) => intent.inviteKey ?? null,
    created_at: (intent) => intent.createdAt,
    welcomed: (intent) => idsBytes(intent.welcomed),
    added: (intent) => idsBytes(intent.added),
    removed: (intent) => idsBytes(intent.removed),
    operations: (intent) => intent.operations,
    record: (intent) => intent.record,
  },
  read: (row) => ({
    groupId: id(row, 'group_id'),
    operations: bytes(row, 'operations'),
    record: bytes(row, 'record'),
    revision: integer(row, 'revision'),
    keyEpoch: integer(row, 'key_epoch'),
    key: optional(row, 'key', bytes),
    keyRows: json(row, 'key_rows'),
    welcomed: ids(row, 'welcomed'),
    added: ids(row, 'added'),
    removed: ids(row, 'removed'),
    inviteKey: optional(row, 'invite_key', bytes),
    createdAt: integer(row, 'created_at'),
  }),
});
