import type { DeviceId } from '@sotto/sdk/ports';
import { bytes, flag, id, integer, json } from '../columns.ts';
import { recordTable } from '../record-table.ts';
import { uuidBytes } from '../uuid.ts';

/** Chains of keys to groups, own ones and others'. */
export const senderKeyTable = recordTable<'senderKey'>({
  table: 'sender_key',
  key: {
    user_id: (key) => uuidBytes(key.userId),
    device_id: (key) => key.deviceId,
    distribution_id: (key) => uuidBytes(key.distributionId),
  },
  fields: {
    group_id: (key) => uuidBytes(key.groupId),
    created_at: (key) => key.createdAt,
    record: (key) => key.record,
    chains: (key) => JSON.stringify(key.chains),
  },
  read: (row) => ({
    userId: id(row, 'user_id'),
    deviceId: integer(row, 'device_id') as DeviceId,
    distributionId: id<string>(row, 'distribution_id'),
    groupId: id(row, 'group_id'),
    record: bytes(row, 'record'),
    chains: json(row, 'chains'),
    createdAt: integer(row, 'created_at'),
  }),
});

/** Which of the own ones is used. */
export const ownChainTable = recordTable<'ownChain'>({
  table: 'own_chain',
  key: { group_id: (chain) => uuidBytes(chain.groupId) },
  fields: {
    distribution_id: (chain) => uuidBytes(chain.distributionId),
    created_at: (chain) => chain.createdAt,
    messages: (chain) => chain.messages,
  },
  read: (row) => ({
    groupId: id(row, 'group_id'),
    distributionId: id<string>(row, 'distribution_id'),
    createdAt: integer(row, 'created_at'),
    messages: integer(row, 'messages'),
  }),
});

/** Who was given them. */
export const senderKeySharedTable = recordTable<'senderKeyShared'>({
  table: 'sender_key_shared',
  key: {
    distribution_id: (shared) => uuidBytes(shared.distributionId),
    user_id: (shared) => uuidBytes(shared.userId),
    device_id: (shared) => shared.deviceId,
  },
  fields: {
    registration_id: (shared) => shared.registrationId,
    at: (shared) => shared.at,
    again: (shared) => (shared.again ? 1 : 0),
  },
  read: (row) => ({
    distributionId: id<string>(row, 'distribution_id'),
    userId: id(row, 'user_id'),
    deviceId: integer(row, 'device_id') as DeviceId,
    registrationId: integer(row, 'registration_id'),
    at: integer(row, 'at'),
    again: flag(row, 'again'),
  }),
});
