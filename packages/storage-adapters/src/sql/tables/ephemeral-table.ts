import type { DeviceId, EphemeralSecretRecord } from '@sotto/sdk/ports';
import { bytes, flag, id, integer } from '../columns.ts';
import { recordTable } from '../record-table.ts';
import { uuidBytes } from '../uuid.ts';

const numberOf = (direction: EphemeralSecretRecord['direction']) => (direction === 'out' ? 0 : 1);

/** Secrets of ephemeral signals. */
export const ephemeralSecretTable = recordTable<'ephemeralSecret'>({
  table: 'ephemeral_secret',
  key: {
    user_id: (record) => uuidBytes(record.userId),
    direction: (record) => numberOf(record.direction),
    device_id: (record) => record.deviceId,
  },
  fields: {
    secret: (record) => record.secret,
    identity_key: (record) => record.identityKey,
    device_list_version: (record) => record.deviceListVersion,
    since: (record) => record.since,
    known: (record) => Number(record.known),
  },
  read: (row) => ({
    userId: id(row, 'user_id'),
    direction: integer(row, 'direction') === 0 ? 'out' : 'in',
    deviceId: integer(row, 'device_id') as DeviceId,
    secret: bytes(row, 'secret'),
    identityKey: bytes(row, 'identity_key'),
    deviceListVersion: integer(row, 'device_list_version'),
    since: integer(row, 'since'),
    known: flag(row, 'known'),
  }),
});
