import type { GroupId, OutboxRecord, SealedSend, UserId } from '@sotto/sdk/ports';
import type { SqlRow } from '../../driver/sql-driver.ts';
import { bytes, flag, id, integer, optional, text } from '../columns.ts';
import { recordTable } from '../record-table.ts';
import { uuidBytes } from '../uuid.ts';

function readSealed(row: SqlRow): SealedSend {
  return { sendId: bytes(row, 'send_id'), send: bytes(row, 'send'), sealedAt: integer(row, 'sealed_at') };
}

/** What is on its way out. */
export const outboxTable = recordTable<'outbox'>({
  table: 'outbox',
  key: { id: (item) => item.id },
  fields: {
    chat_id: (item) => uuidBytes(item.chatId),
    recipient: ({ recipient }) => (recipient === undefined ? null : uuidBytes(recipient)),
    group_id: ({ groupId }) => (groupId === undefined ? null : uuidBytes(groupId)),
    message_id: (item) => uuidBytes(item.messageId),
    kind: (item) => item.kind,
    visible: (item) => Number(item.visible),
    part_id: ({ partId }) => partId ?? null,
    content: (item) => item.content,
    created_at: (item) => item.createdAt,
    attempt: (item) => item.attempt,
    send_id: (item) => item.sealed?.sendId ?? null,
    send: (item) => item.sealed?.send ?? null,
    sealed_at: (item) => item.sealed?.sealedAt ?? null,
  },
  spread: { sealed: ['send_id', 'send', 'sealed_at'] },
  read: (row) => ({
    id: integer(row, 'id'),
    chatId: id(row, 'chat_id'),
    recipient: optional(row, 'recipient', id<UserId>),
    groupId: optional(row, 'group_id', id<GroupId>),
    messageId: id(row, 'message_id'),
    kind: text(row, 'kind') as OutboxRecord['kind'],
    visible: flag(row, 'visible'),
    content: bytes(row, 'content'),
    partId: optional(row, 'part_id', integer),
    createdAt: integer(row, 'created_at'),
    attempt: integer(row, 'attempt'),
    sealed: row.send_id === null ? undefined : readSealed(row),
  }),
});

/** What several of them have in common. */
export const outboxPartTable = recordTable<'outboxPart'>({
  table: 'outbox_part',
  key: { id: (part) => part.id },
  fields: { content: (part) => part.content },
  read: (row) => ({ id: integer(row, 'id'), content: bytes(row, 'content') }),
});
