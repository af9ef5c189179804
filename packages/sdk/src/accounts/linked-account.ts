import { type DeviceRegistrationRequest, signedBytesOfDeviceRegistration, toBase64Url } from '@sotto/proto';
import type { PrivateKey } from '#libsignal';
import { asBuffer } from '../crypto/as-buffer.ts';
import type { Provision } from '../devices/provision.ts';
import type { AccountRecord } from '../ports/account-record.ts';
import type { PrekeyRecord } from '../ports/key-records.ts';
import type { Randomness } from '../ports/randomness.ts';
import { PrekeyIds } from '../prekeys/prekey-id.ts';
import { firstPrekeys, fullUploadOf, makePrekeys } from '../prekeys/prekey-material.ts';

/** Everything that a new device of an account commits before it asks to be registered. */
export interface LinkedAccount {
  /** Without an access token yet, and without the root key: that stays with the primary device. */
  readonly account: AccountRecord;
  readonly prekeys: readonly PrekeyRecord[];
  readonly request: DeviceRegistrationRequest;
}

/** Makes the keys of a device that comes into an account, and the request for it. */
export function linkedAccount(parts: {
  readonly provision: Provision;
  readonly registrationId: number;
  readonly device: PrivateKey;
  readonly now: number;
  readonly randomness: Randomness;
  /** Own prekeys whose ids are taken. */
  readonly existing: readonly PrekeyRecord[];
}): LinkedAccount {
  const { provision, device, now, randomness } = parts;
  const { userId, deviceId, number, username, profileKey, identityKeyPair, deviceList, code } = provision;
  const refreshToken = randomness.bytes(32);
  const idempotencyKey = randomness.bytes(16);
  const prekeys = makePrekeys(firstPrekeys, { identityKeyPair, ids: new PrekeyIds(randomness, parts.existing), now });
  const account: AccountRecord = {
    userId,
    deviceId,
    number,
    username,
    registrationId: parts.registrationId,
    identityKeyPair,
    formerIdentities: [],
    devicePrivateKey: device.serialize(),
    rootSecret: undefined,
    deviceList,
    profileKey,
    nextProfileKey: undefined,
    refreshToken,
    nextRefreshToken: undefined,
    deletion: undefined,
    accessToken: '',
    accessExpiresAt: 0,
    createdAt: now,
    hasSnapshot: false,
    ended: false,
    endReason: undefined,
  };
  const signed = signedBytesOfDeviceRegistration(idempotencyKey, code, refreshToken, deviceList);
  const request: DeviceRegistrationRequest = {
    code: toBase64Url(code),
    idempotencyKey: toBase64Url(idempotencyKey),
    deviceList: toBase64Url(deviceList),
    deviceId,
    refreshToken: toBase64Url(refreshToken),
    prekeys: fullUploadOf(prekeys),
    signature: toBase64Url(device.sign(asBuffer(signed))),
  };
  return { account, prekeys, request };
}
