import type { GroupId, HeldReason, MessageId, UserId } from '@sotto/sdk/ports';
import { bytes, flag, id, idOrNone, idOrNoneBytes, integer, optional, text } from '../columns.ts';
import { recordTable } from '../record-table.ts';
import { uuidBytes } from '../uuid.ts';

/** What was seen before. */
export const seenTable = recordTable<'seen'>({
  table: 'seen',
  key: { key: (seen) => seen.key },
  fields: { at: (seen) => seen.at },
  read: (row) => ({ key: bytes(row, 'key'), at: integer(row, 'at') }),
});

/** What could not be shown yet. */
export const heldTable = recordTable<'held'>({
  table: 'held',
  key: { digest: (held) => held.digest },
  fields: {
    envelope: (held) => held.envelope,
    reason: (held) => held.reason,
    held_at: (held) => held.heldAt,
    arrival: (held) => held.arrival,
    retries: (held) => held.retries,
    sender: (held) => idOrNoneBytes(held.sender),
    message_id: (held) => idOrNoneBytes(held.messageId),
    group_id: ({ groupId }) => (groupId === undefined ? null : uuidBytes(groupId)),
    mendable: (held) => Number(held.mendable),
    requests: (held) => held.requests,
    request_at: (held) => held.requestAt ?? null,
    bytes: (held) => held.envelope.length,
  },
  read: (row) => ({
    digest: bytes(row, 'digest'),
    envelope: bytes(row, 'envelope'),
    reason: text(row, 'reason') as HeldReason,
    heldAt: integer(row, 'held_at'),
    arrival: integer(row, 'arrival'),
    retries: integer(row, 'retries'),
    sender: idOrNone<UserId>(row, 'sender'),
    messageId: idOrNone<MessageId>(row, 'message_id'),
    groupId: optional(row, 'group_id', id<GroupId>),
    mendable: flag(row, 'mendable'),
    requests: integer(row, 'requests'),
    requestAt: optional(row, 'request_at', integer),
  }),
});
