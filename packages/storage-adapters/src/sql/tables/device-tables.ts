import { type DeviceId, SottoError } from '@sotto/sdk/ports';
import { bytes, bytesOf, integer, optional } from '../columns.ts';
import { recordTable } from '../record-table.ts';

const rootBytes = 33;

function rootsBytes(roots: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(roots.length * rootBytes);
  for (const [at, root] of roots.entries()) {
    if (root.length !== rootBytes) {
      throw new SottoError(
        'argument-invalid',
        'A trust root has 33 bytes. Nothing was stored; mend the record of the certificate.',
      );
    }
    joined.set(root, at * rootBytes);
  }
  return joined;
}

/** How the other own devices are heard of. */
export const ownDeviceTable = recordTable<'ownDevice'>({
  table: 'own_device',
  key: { device_id: (device) => device.deviceId },
  fields: { heard_at: (device) => device.heardAt },
  read: (row) => ({ deviceId: integer(row, 'device_id') as DeviceId, heardAt: integer(row, 'heard_at') }),
});

/** The own list on its way. */
export const listIntentTable = recordTable<'listIntent'>({
  table: 'list_intent',
  key: { id: () => 1 },
  fields: {
    signed: (intent) => intent.signed,
    identity_key_pair: (intent) => intent.identityKeyPair ?? null,
    created_at: (intent) => intent.createdAt,
  },
  read: (row) => ({
    signed: bytes(row, 'signed'),
    identityKeyPair: optional(row, 'identity_key_pair', bytes),
    createdAt: integer(row, 'created_at'),
  }),
});

/** By what sealed senders are believed. */
export const certificateTable = recordTable<'certificate'>({
  table: 'certificate',
  key: { id: () => 1 },
  fields: {
    trust_roots: (record) => rootsBytes(record.trustRoots),
    certificate: (record) => record.certificate ?? null,
    expires_at: (record) => record.expiresAt,
  },
  read: (row) => ({
    trustRoots: bytesOf(row, 'trust_roots', rootBytes),
    certificate: optional(row, 'certificate', bytes),
    expiresAt: integer(row, 'expires_at'),
  }),
});
