import { type RegistrationRequest, toBase64Url, uuidToText } from '@sotto/proto';
import { IdentityKeyPair, PrivateKey } from '#libsignal';
import { signDeviceList } from '../devices/device-list.ts';
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

/** Makes the keys of a new account and the request for it. */
export function newAccount(parts: {
  readonly number: string;
  readonly username: string;
  readonly now: number;
  readonly randomness: Randomness;
  /** Own prekeys whose ids are taken. */
  readonly existing: readonly PrekeyRecord[];
}): NewAccount {
  const { randomness, now } = parts;
  const userId = randomUserId(randomness);
  const rootSecret = randomness.bytes(32);
  const identity = IdentityKeyPair.generate();
  const identityKeyPair = identity.serialize();
  const device = PrivateKey.generate();
  const registrationId = randomRegistrationId(randomness);
  const deviceList = signDeviceList(
    {
      userId,
      version: 1,
      previousHash: new Uint8Array(),
      createdAt: now,
      identityKey: identity.publicKey.serialize(),
      devices: [{ deviceId: primaryDevice, registrationId, deviceKey: device.getPublicKey().serialize() }],
    },
    rootKeyOf(rootSecret),
  );
  const profileKey = randomness.bytes(32);
  const refreshToken = randomness.bytes(32);
  const prekeys = makePrekeys(firstPrekeys, { identityKeyPair, ids: new PrekeyIds(randomness, parts.existing), now });
  const account: AccountRecord = {
    userId,
    deviceId: primaryDevice,
    number: parts.number,
    username: parts.username,
    registrationId,
    identityKeyPair,
    devicePrivateKey: device.serialize(),
    rootSecret,
    deviceList,
    profileKey,
    refreshToken,
    nextRefreshToken: undefined,
    accessToken: '',
    accessExpiresAt: 0,
    createdAt: now,
    ended: false,
  };
  const request: RegistrationRequest = {
    verificationId: '',
    code: '',
    idempotencyKey: toBase64Url(randomness.bytes(16)),
    userId,
    deviceList: toBase64Url(deviceList),
    refreshToken: toBase64Url(refreshToken),
    prekeys: fullUploadOf(prekeys),
    profile: toBase64Url(sealProfile({ username: parts.username, avatarHash: undefined }, profileKey, randomness)),
    accessKey: toBase64Url(accessKeyOf(profileKey)),
  };
  return { account, prekeys, request };
}

/** A random UUID (RFC 9562, version 4). */
function randomUserId(randomness: Randomness): UserId {
  const bytes = Uint8Array.from(randomness.bytes(16));
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return uuidToText(bytes) as UserId;
}

function randomRegistrationId(randomness: Randomness): number {
  for (;;) {
    const [high = 0, low = 0] = randomness.bytes(2);
    const id = ((high & 63) << 8) | low;
    if (id >= 1 && id <= greatestRegistrationId) return id;
  }
}
