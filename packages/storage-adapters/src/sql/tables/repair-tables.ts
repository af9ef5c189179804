import type { DeviceId, MessageId } from '@sotto/sdk/ports';
import { id, ids, idsBytes, integer } from '../columns.ts';
import { recordTable } from '../record-table.ts';
import { uuidBytes } from '../uuid.ts';

/** Own messages that were sent again because a device asked, and answers that stood for others. */
export const resendTable = recordTable<'resend'>({
  table: 'resend',
  key: {
    message_id: (resend) => uuidBytes(resend.messageId),
    user_id: (resend) => uuidBytes(resend.userId),
    device_id: (resend) => resend.deviceId,
  },
  fields: {
    count: (resend) => resend.count,
    at: (resend) => resend.at,
    replaces: (resend) => idsBytes(resend.replaces),
  },
  read: (row) => ({
    messageId: id(row, 'message_id'),
    userId: id(row, 'user_id'),
    deviceId: integer(row, 'device_id') as DeviceId,
    count: integer(row, 'count'),
    at: integer(row, 'at'),
    replaces: ids<MessageId>(row, 'replaces'),
  }),
});

/** What repair did with each device of others in an hour. */
export const repairTable = recordTable<'repair'>({
  table: 'repair',
  key: { user_id: (repair) => uuidBytes(repair.userId), device_id: (repair) => repair.deviceId },
  fields: {
    since: (repair) => repair.since,
    requests: (repair) => repair.requests,
    resends: (repair) => repair.resends,
    renewals: (repair) => repair.renewals,
    receipts: (repair) => repair.receipts,
  },
  read: (row) => ({
    userId: id(row, 'user_id'),
    deviceId: integer(row, 'device_id') as DeviceId,
    since: integer(row, 'since'),
    requests: integer(row, 'requests'),
    resends: integer(row, 'resends'),
    renewals: integer(row, 'renewals'),
    receipts: integer(row, 'receipts'),
  }),
});
