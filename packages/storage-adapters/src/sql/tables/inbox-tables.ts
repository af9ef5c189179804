import type { HeldReason, MessageId, UserId } from '@sotto/sdk/ports';
import type { SqlRow } from '../../driver/sql-driver.ts';
import { bytes, flag, id, integer, optional, text } from '../columns.ts';
import { recordTable } from '../record-table.ts';
import { uuidBytes } from '../uuid.ts';

/** What was seen before. */
export const seenTable = recordTable<'seen'>({
  table: 'seen',
  key: { key: (seen) => seen.key },
  fields: { at: (seen) => seen.at },
  read: (row) => ({ key: bytes(row, 'key'), at: integer(row, 'at') }),
});

/** What stands where an envelope names nobody, or nothing. */
const nobody = new Uint8Array();

function named<Id extends string>(row: SqlRow, column: string): Id | undefined {
  return bytes(row, column).length === 0 ? undefined : id<Id>(row, column);
}

/** What could not be shown yet. */
export const heldTable = recordTable<'held'>({
  table: 'held',
  key: { digest: (held) => held.digest },
  fields: {
    envelope: (held) => held.envelope,
    reason: (held) => held.reason,
    held_at: (held) => held.heldAt,
    retries: (held) => held.retries,
    sender: ({ sender }) => (sender === undefined ? nobody : uuidBytes(sender)),
    message_id: ({ messageId }) => (messageId === undefined ? nobody : uuidBytes(messageId)),
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
    retries: integer(row, 'retries'),
    sender: named<UserId>(row, 'sender'),
    messageId: named<MessageId>(row, 'message_id'),
    mendable: flag(row, 'mendable'),
    requests: integer(row, 'requests'),
    requestAt: optional(row, 'request_at', integer),
  }),
});
