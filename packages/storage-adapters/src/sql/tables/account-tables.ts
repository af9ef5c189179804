import { type AccountRecord, type FormerIdentity, SottoError } from '@sotto/sdk/ports';
import type { SqlRow, SqlStatement, SqlValue } from '../../driver/sql-driver.ts';
import { bytes, bytesOf, flag, id, integer, optional, text } from '../columns.ts';
import { type RecordTable, upsert } from '../record-table.ts';
import { uuidBytes } from '../uuid.ts';

/** The account, and the one that a registration under way will make, are two rows of one table. */
const current = 0;
const draft = 1;

const pairBytes = 69;
const formerBytes = pairBytes + 8;

function formerToBytes(former: readonly FormerIdentity[]): Uint8Array {
  const joined = new Uint8Array(former.length * formerBytes);
  const view = new DataView(joined.buffer);
  for (const [at, { identityKeyPair, replacedAt }] of former.entries()) {
    if (identityKeyPair.length !== pairBytes) {
      throw new SottoError(
        'argument-invalid',
        'A serialised identity key pair has 69 bytes. Nothing was stored; mend the record of the account.',
      );
    }
    joined.set(identityKeyPair, at * formerBytes);
    view.setBigUint64(at * formerBytes + pairBytes, BigInt(replacedAt));
  }
  return joined;
}

function formerIn(row: SqlRow, column: string): readonly FormerIdentity[] {
  return bytesOf(row, column, formerBytes).map((value) => ({
    identityKeyPair: value.slice(0, pairBytes),
    replacedAt: Number(new DataView(value.buffer, value.byteOffset).getBigUint64(pairBytes)),
  }));
}

const fields: Readonly<Record<string, (account: AccountRecord) => SqlValue>> = {
  user_id: (account) => uuidBytes(account.userId),
  device_id: (account) => account.deviceId,
  number: (account) => account.number,
  username: (account) => account.username,
  registration_id: (account) => account.registrationId,
  identity_key_pair: (account) => account.identityKeyPair,
  former_identities: (account) => formerToBytes(account.formerIdentities),
  device_private_key: (account) => account.devicePrivateKey,
  root_secret: (account) => account.rootSecret ?? null,
  device_list: (account) => account.deviceList,
  profile_key: (account) => account.profileKey,
  next_profile_key: (account) => account.nextProfileKey ?? null,
  refresh_token: (account) => account.refreshToken,
  next_refresh_token: (account) => account.nextRefreshToken ?? null,
  access_token: (account) => account.accessToken,
  access_expires_at: (account) => account.accessExpiresAt,
  created_at: (account) => account.createdAt,
  has_snapshot: (account) => Number(account.hasSnapshot),
  ended: (account) => Number(account.ended),
  end_reason: (account) => account.endReason ?? null,
  deletion: (account) => account.deletion ?? null,
};
const encoders = Object.values(fields);
const putAccount = upsert('account', ['slot'], Object.keys(fields));
const removeAccount = 'DELETE FROM account WHERE slot = ?';

function put(slot: number, account: AccountRecord): SqlStatement {
  return { sql: putAccount, params: [slot, ...encoders.map((encode) => encode(account))] };
}

function read(row: SqlRow): AccountRecord {
  return {
    userId: id(row, 'user_id'),
    deviceId: integer(row, 'device_id') as AccountRecord['deviceId'],
    number: text(row, 'number'),
    username: text(row, 'username'),
    registrationId: integer(row, 'registration_id'),
    identityKeyPair: bytes(row, 'identity_key_pair'),
    formerIdentities: formerIn(row, 'former_identities'),
    devicePrivateKey: bytes(row, 'device_private_key'),
    rootSecret: optional(row, 'root_secret', bytes),
    deviceList: bytes(row, 'device_list'),
    profileKey: bytes(row, 'profile_key'),
    nextProfileKey: optional(row, 'next_profile_key', bytes),
    refreshToken: bytes(row, 'refresh_token'),
    nextRefreshToken: optional(row, 'next_refresh_token', bytes),
    accessToken: text(row, 'access_token'),
    accessExpiresAt: integer(row, 'access_expires_at'),
    createdAt: integer(row, 'created_at'),
    hasSnapshot: flag(row, 'has_snapshot'),
    ended: flag(row, 'ended'),
    endReason: optional(row, 'end_reason', text) as AccountRecord['endReason'],
    deletion: optional(row, 'deletion', bytes),
  };
}

/** The account of this device. */
export const accountTable: RecordTable<'account'> = {
  put: (record) => [put(current, record)],
  remove: () => [{ sql: removeAccount, params: [current] }],
  find: () => ({ sql: 'SELECT * FROM account WHERE slot = 0', params: [] }),
  read,
};

const putRegistration = upsert('registration', ['slot'], ['phone', 'verification_id', 'expires_at', 'request']);

/** The registration under way, with the account that it will make. */
export const registrationTable: RecordTable<'registration'> = {
  put: ({ number, verificationId, expiresAt, request, account }) => [
    { sql: putRegistration, params: [draft, number, verificationId, expiresAt, request ?? null] },
    account === undefined ? { sql: removeAccount, params: [draft] } : put(draft, account),
  ],
  remove: () => [
    { sql: 'DELETE FROM registration WHERE slot = ?', params: [draft] },
    { sql: removeAccount, params: [draft] },
  ],
  find: () => ({ sql: 'SELECT * FROM registration LEFT JOIN account USING (slot) WHERE slot = 1', params: [] }),
  read: (row) => ({
    number: text(row, 'phone'),
    verificationId: text(row, 'verification_id'),
    expiresAt: integer(row, 'expires_at'),
    account: row.user_id === null ? undefined : read(row),
    request: optional(row, 'request', text),
  }),
};
