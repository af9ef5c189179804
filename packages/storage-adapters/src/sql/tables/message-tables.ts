import type { DeviceId, GroupId, MessageState, ReceiptRecord, UserId } from '@sotto/sdk/ports';
import { bytes, flag, id, integer, optional, text } from '../columns.ts';
import { recordTable } from '../record-table.ts';
import { uuidBytes } from '../uuid.ts';

/** Messages. */
export const messageTable = recordTable<'message'>({
  table: 'message',
  key: { id: (message) => uuidBytes(message.id) },
  fields: {
    nonce: (message) => message.nonce,
    chat_id: (message) => uuidBytes(message.chatId),
    sender_id: (message) => uuidBytes(message.senderId),
    sender_device: (message) => message.senderDevice,
    receiver_id: ({ receiverId }) => (receiverId === undefined ? null : uuidBytes(receiverId)),
    group_id: ({ groupId }) => (groupId === undefined ? null : uuidBytes(groupId)),
    has_files: (message) => Number(message.hasFiles),
    text: (message) => message.text,
    unknown_content: (message) => message.unknownContent ?? null,
    seq: (message) => message.seq,
    position: (message) => message.position,
    late: (message) => Number(message.late),
    state: (message) => message.state,
    created_at: (message) => message.createdAt,
    updated_at: (message) => message.updatedAt,
    accepted_at: (message) => message.acceptedAt ?? null,
    expires_at: (message) => message.expiresAt ?? null,
    recipients: (message) => message.recipients ?? null,
    revision: (message) => message.revision ?? null,
    failure: (message) => message.failure ?? null,
  },
  read: (row) => ({
    id: id(row, 'id'),
    nonce: bytes(row, 'nonce'),
    chatId: id(row, 'chat_id'),
    senderId: id(row, 'sender_id'),
    senderDevice: integer(row, 'sender_device') as DeviceId,
    receiverId: optional(row, 'receiver_id', id<UserId>),
    groupId: optional(row, 'group_id', id<GroupId>),
    hasFiles: flag(row, 'has_files'),
    text: text(row, 'text'),
    unknownContent: optional(row, 'unknown_content', bytes),
    seq: integer(row, 'seq'),
    position: integer(row, 'position'),
    late: flag(row, 'late'),
    state: text(row, 'state') as MessageState,
    createdAt: integer(row, 'created_at'),
    updatedAt: integer(row, 'updated_at'),
    acceptedAt: optional(row, 'accepted_at', integer),
    expiresAt: optional(row, 'expires_at', integer),
    recipients: optional(row, 'recipients', integer),
    revision: optional(row, 'revision', integer),
    failure: optional(row, 'failure', text),
  }),
});

/** How far each recipient is with own messages. */
export const receiptTable = recordTable<'receipt'>({
  table: 'receipt',
  key: { message_id: (receipt) => uuidBytes(receipt.messageId), user_id: (receipt) => uuidBytes(receipt.userId) },
  fields: { state: (receipt) => receipt.state, at: (receipt) => receipt.at },
  read: (row) => ({
    messageId: id(row, 'message_id'),
    userId: id(row, 'user_id'),
    state: text(row, 'state') as ReceiptRecord['state'],
    at: integer(row, 'at'),
  }),
});
