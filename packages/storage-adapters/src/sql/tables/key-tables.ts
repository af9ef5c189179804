import type { DeviceId, PrekeyKind } from '@sotto/sdk/ports';
import { bytes, flag, id, integer, json, optional, text } from '../columns.ts';
import { recordTable } from '../record-table.ts';
import { uuidBytes } from '../uuid.ts';

/** Identity keys of others. */
export const identityTable = recordTable<'identity'>({
  table: 'identity',
  key: { user_id: (identity) => uuidBytes(identity.userId) },
  fields: {
    key: (identity) => identity.key,
    first_seen_at: (identity) => identity.firstSeenAt,
    changed_at: (identity) => identity.changedAt ?? null,
    verified_at: (identity) => identity.verifiedAt ?? null,
    pending_key: ({ pending }) => pending?.key ?? null,
    pending_at: ({ pending }) => pending?.seenAt ?? null,
    pending_listed: ({ pending }) => (pending === undefined ? null : Number(pending.listed)),
  },
  read: (row) => ({
    userId: id(row, 'user_id'),
    key: bytes(row, 'key'),
    firstSeenAt: integer(row, 'first_seen_at'),
    changedAt: optional(row, 'changed_at', integer),
    verifiedAt: optional(row, 'verified_at', integer),
    pending:
      row.pending_key === null
        ? undefined
        : {
            key: bytes(row, 'pending_key'),
            seenAt: integer(row, 'pending_at'),
            listed: flag(row, 'pending_listed'),
          },
  }),
});

/** Sessions with devices of others. */
export const sessionTable = recordTable<'session'>({
  table: 'session',
  key: { user_id: (session) => uuidBytes(session.userId), device_id: (session) => session.deviceId },
  fields: {
    record: (session) => session.record,
    chains: (session) => JSON.stringify(session.chains),
  },
  read: (row) => ({
    userId: id(row, 'user_id'),
    deviceId: integer(row, 'device_id') as DeviceId,
    record: bytes(row, 'record'),
    chains: json(row, 'chains'),
  }),
});

/** Own prekeys. */
export const prekeyTable = recordTable<'prekey'>({
  table: 'prekey',
  key: { kind: (prekey) => prekey.kind, id: (prekey) => prekey.id },
  fields: {
    record: (prekey) => prekey.record,
    created_at: (prekey) => prekey.createdAt,
    replaced_at: (prekey) => prekey.replacedAt ?? null,
    uploaded: (prekey) => Number(prekey.uploaded),
  },
  read: (row) => ({
    kind: text(row, 'kind') as PrekeyKind,
    id: integer(row, 'id'),
    record: bytes(row, 'record'),
    createdAt: integer(row, 'created_at'),
    replacedAt: optional(row, 'replaced_at', integer),
    uploaded: flag(row, 'uploaded'),
  }),
});

/** Uses of last-resort Kyber keys. */
export const kyberUseTable = recordTable<'kyberUse'>({
  table: 'kyber_use',
  key: { kyber_id: (use) => use.kyberId, signed_id: (use) => use.signedId, base_key: (use) => use.baseKey },
  fields: { used_at: (use) => use.usedAt },
  read: (row) => ({
    kyberId: integer(row, 'kyber_id'),
    signedId: integer(row, 'signed_id'),
    baseKey: bytes(row, 'base_key'),
    usedAt: integer(row, 'used_at'),
  }),
});
