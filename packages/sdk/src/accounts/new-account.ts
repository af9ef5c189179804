import {
  fromBase64Url,
  type RegistrationRequest,
  signedBytesOfReRegistration,
  toBase64Url,
  uuidToText,
} from '@sotto/proto';
import { IdentityKeyPair, PrivateKey } from '#libsignal';
import { asBuffer } from '../crypto/as-buffer.ts';
import { type CheckedDeviceList, signDeviceList } from '../devices/device-list.ts';
import { freshDeviceId } from '../devices/next-list.ts';
import type { AccountRecord } from '../ports/account-record.ts';
import type { DeviceId, UserId } from '../ports/ids.ts';
import type { PrekeyRecord } from '../ports/key-records.ts';
import type { Randomness } from '../ports/randomness.ts';
import { PrekeyIds } from '../prekeys/prekey-id.ts';
import { firstPrekeys, fullUploadOf, makePrekeys } from '../prekeys/prekey-material.ts';
import { accessKeyOf } from './access-key.ts';
import { rootKeyOf } from './recovery-key.ts';
import { sealProfile } from './sealed-profile.ts';

const primaryDevice = 1 as DeviceId;
const greatestRegistrationId = 16_380;

/** Everything that a registration commits before it asks. */
export interface NewAccount {
  /** Without an access token yet. */
  readonly account: AccountRecord;
  readonly prekeys: readonly PrekeyRecord[];
  /** Without verification and code yet. */
  readonly request: RegistrationRequest;
}

/** An account whose owner has lost its devices, but not the recovery key. */
export interface RecoveredAccount {
  /** 32 bytes: the recovery key. */
  readonly rootSecret: Uint8Array;
  /** The account's list as it is now, under its own root key. */
  readonly list: CheckedDeviceList;
}

/** Makes the keys of an account and the request for it. */
export function newAccount(parts: {
  readonly number: string;
  readonly username: string;
  readonly now: number;
  readonly randomness: Randomness;
  /** Own prekeys whose ids are taken. */
  readonly existing: readonly PrekeyRecord[];
  /** 16 bytes, base64url. */
  readonly idempotencyKey: string;
  /** The account to register anew; otherwise another one is made. */
  readonly recovers: RecoveredAccount | undefined;
}): NewAccount {
  const { randomness, now, recovers, idempotencyKey } = parts;
  const userId = recovers?.list.userId ?? randomUserId(randomness);
  const rootSecret = recovers?.rootSecret ?? randomness.bytes(32);
  const rootKey = rootKeyOf(rootSecret);
  const deviceId = recovers ? freshDeviceId(recovers.list) : primaryDevice;
  const identity = IdentityKeyPair.generate();
  const identityKeyPair = identity.serialize();
  const device = PrivateKey.generate();
  const registrationId = randomRegistrationId(randomness);
  const deviceList = signDeviceList(
    {
      userId,
      version: (recovers?.list.version ?? 0) + 1,
      previousHash: recovers?.list.hash ?? new Uint8Array(),
      createdAt: now,
      identityKey: identity.publicKey.serialize(),
      devices: [{ deviceId, registrationId, deviceKey: device.getPublicKey().serialize() }],
      ...(recovers && { lastDeviceId: recovers.list.lastDeviceId ?? 0, identitySince: recovers.list.version + 1 }),
    },
    rootKey,
  );
  const profileKey = randomness.bytes(32);
  const refreshToken = randomness.bytes(32);
  const prekeys = makePrekeys(firstPrekeys, { identityKeyPair, ids: new PrekeyIds(randomness, parts.existing), now });
  const account: AccountRecord = {
    userId,
    deviceId,
    number: parts.number,
    username: parts.username,
    registrationId,
    identityKeyPair,
    formerIdentities: [],
    devicePrivateKey: device.serialize(),
    rootSecret,
    deviceList,
    profileKey,
    nextProfileKey: undefined,
    refreshToken,
    nextRefreshToken: undefined,
    deletion: undefined,
    accessToken: '',
    accessExpiresAt: 0,
    createdAt: now,
    hasSnapshot: true,
    ended: false,
    endReason: undefined,
  };
  const request: RegistrationRequest = {
    verificationId: '',
    code: '',
    idempotencyKey,
    userId,
    deviceList: toBase64Url(deviceList),
    refreshToken: toBase64Url(refreshToken),
    prekeys: fullUploadOf(prekeys),
    profile: toBase64Url(sealProfile({ username: parts.username, avatarHash: undefined }, profileKey, randomness)),
    accessKey: toBase64Url(accessKeyOf(profileKey)),
    ...(recovers && { recovery: signedRecovery(rootKey, fromBase64Url(idempotencyKey), refreshToken, deviceList) }),
  };
  return { account, prekeys, request };
}

function signedRecovery(
  rootKey: PrivateKey,
  idempotencyKey: Uint8Array,
  refreshToken: Uint8Array,
  deviceList: Uint8Array,
): string {
  const message = signedBytesOfReRegistration(idempotencyKey, refreshToken, deviceList);
  return toBase64Url(rootKey.sign(asBuffer(message)));
}

/** A random UUID (RFC 9562, version 4). */
function randomUserId(randomness: Randomness): UserId {
  const bytes = Uint8Array.from(randomness.bytes(16));
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return uuidToText(bytes) as UserId;
}

/** What tells one registration of a device from another: 1..16380. */
export function randomRegistrationId(randomness: Randomness): number {
  for (;;) {
    const [high = 0, low = 0] = randomness.bytes(2);
    const id = ((high & 63) << 8) | low;
    if (id >= 1 && id <= greatestRegistrationId) return id;
  }
}
