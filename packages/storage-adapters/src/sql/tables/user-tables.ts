import { bytes, flag, id, integer, optional, text } from '../columns.ts';
import { recordTable } from '../record-table.ts';
import { uuidBytes } from '../uuid.ts';

/** The people that this device knows. */
export const userTable = recordTable<'user'>({
  table: 'user',
  key: { id: (user) => uuidBytes(user.id) },
  fields: {
    number: (user) => user.number,
    username: (user) => user.username,
    profile_key: (user) => user.profileKey ?? null,
    profile_key_at: (user) => user.profileKeyAt ?? null,
    avatar_hash: (user) => user.avatarHash ?? null,
    returns_receipts: (user) => Number(user.returnsReceipts),
    blocked_at: (user) => user.blockedAt ?? null,
    created_at: (user) => user.createdAt,
    updated_at: (user) => user.updatedAt,
  },
  read: (row) => ({
    id: id(row, 'id'),
    number: text(row, 'number'),
    username: text(row, 'username'),
    profileKey: optional(row, 'profile_key', bytes),
    profileKeyAt: optional(row, 'profile_key_at', integer),
    avatarHash: optional(row, 'avatar_hash', bytes),
    returnsReceipts: flag(row, 'returns_receipts'),
    blockedAt: optional(row, 'blocked_at', integer),
    createdAt: integer(row, 'created_at'),
    updatedAt: integer(row, 'updated_at'),
  }),
});

/** What was seen of their devices. */
export const deviceListTable = recordTable<'deviceList'>({
  table: 'device_list',
  key: { user_id: (list) => uuidBytes(list.userId) },
  fields: {
    root_key: (list) => list.rootKey,
    version: (list) => list.version,
    hash: (list) => list.hash,
    signed: (list) => list.signed,
    begun_anew: (list) => Number(list.begunAnew),
  },
  read: (row) => ({
    userId: id(row, 'user_id'),
    rootKey: bytes(row, 'root_key'),
    version: integer(row, 'version'),
    hash: bytes(row, 'hash'),
    signed: bytes(row, 'signed'),
    begunAnew: flag(row, 'begun_anew'),
  }),
});

/** What they say of them, where the relay has not shown it. */
export const namedListTable = recordTable<'namedList'>({
  table: 'named_list',
  key: { user_id: (named) => uuidBytes(named.userId) },
  fields: {
    version: (named) => named.version,
    hash: (named) => named.hash,
    identity_key: (named) => named.identityKey,
    forked: (named) => Number(named.forked),
  },
  read: (row) => ({
    userId: id(row, 'user_id'),
    version: integer(row, 'version'),
    hash: bytes(row, 'hash'),
    identityKey: bytes(row, 'identity_key'),
    forked: flag(row, 'forked'),
  }),
});

/** Whose request was declined. */
export const declinedTable = recordTable<'declined'>({
  table: 'declined',
  key: { user_id: (declined) => uuidBytes(declined.userId) },
  fields: { at: (declined) => declined.at },
  read: (row) => ({ userId: id(row, 'user_id'), at: integer(row, 'at') }),
});
