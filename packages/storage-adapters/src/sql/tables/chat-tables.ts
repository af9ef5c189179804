import type { DeviceId, GroupId, IdentityPolicy, MessageId, UserId } from '@sotto/sdk/ports';
import { flag, id, integer, json, optional, text } from '../columns.ts';
import { recordTable } from '../record-table.ts';
import { uuidBytes } from '../uuid.ts';

/** Conversations. */
export const chatTable = recordTable<'chat'>({
  table: 'chat',
  key: { id: (chat) => uuidBytes(chat.id) },
  fields: {
    user_id: ({ userId }) => (userId === undefined ? null : uuidBytes(userId)),
    group_id: ({ groupId }) => (groupId === undefined ? null : uuidBytes(groupId)),
    accepted: (chat) => Number(chat.accepted),
    identity_policy: (chat) => chat.identityPolicy ?? null,
    muted_until: (chat) => chat.mutedUntil ?? null,
    receipts: ({ receipts }) => (receipts === undefined ? null : Number(receipts)),
    next_seq: (chat) => chat.nextSeq,
    activity: (chat) => chat.activity,
    last_message_id: ({ lastMessageId }) => (lastMessageId === undefined ? null : uuidBytes(lastMessageId)),
    unread: (chat) => chat.unread,
    read_position: (chat) => chat.readUpTo.position,
    read_seq: (chat) => chat.readUpTo.seq,
    created_at: (chat) => chat.createdAt,
    updated_at: (chat) => chat.updatedAt,
  },
  read: (row) => ({
    id: id(row, 'id'),
    userId: optional(row, 'user_id', id<UserId>),
    groupId: optional(row, 'group_id', id<GroupId>),
    accepted: flag(row, 'accepted'),
    identityPolicy: optional(row, 'identity_policy', text) as IdentityPolicy | undefined,
    mutedUntil: optional(row, 'muted_until', integer),
    receipts: optional(row, 'receipts', flag),
    nextSeq: integer(row, 'next_seq'),
    activity: integer(row, 'activity'),
    lastMessageId: optional(row, 'last_message_id', id<MessageId>),
    unread: integer(row, 'unread'),
    readUpTo: { position: integer(row, 'read_position'), seq: integer(row, 'read_seq') },
    createdAt: integer(row, 'created_at'),
    updatedAt: integer(row, 'updated_at'),
  }),
});

/** What came from each device in each chat. */
export const streamTable = recordTable<'stream'>({
  table: 'stream',
  key: {
    chat_id: (stream) => uuidBytes(stream.chatId),
    user_id: (stream) => uuidBytes(stream.userId),
    device_id: (stream) => stream.deviceId,
  },
  fields: {
    highest: (stream) => stream.highest,
    gaps: (stream) => JSON.stringify(stream.gaps),
  },
  read: (row) => ({
    chatId: id(row, 'chat_id'),
    userId: id(row, 'user_id'),
    deviceId: integer(row, 'device_id') as DeviceId,
    highest: integer(row, 'highest'),
    gaps: json(row, 'gaps'),
  }),
});
