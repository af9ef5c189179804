import { randomBytes, randomInt, randomUUID } from 'node:crypto';
import type { AccountEnding, ProvenOwner } from '../ports/account-control.ts';
import type { NewAccount, StoredDeviceList } from '../ports/account-store.ts';
import type { DeviceAddress, DeviceId, NumberMac, UserId } from '../ports/ids.ts';
import type { EcPrekey, SignedPrekey } from '../ports/prekey-store.ts';

/** The time at which the cases begin, and no round number. */
export const start = 1_790_000_000_123;

/** Random bytes as a plain array of bytes. */
export function someBytes(count: number): Uint8Array {
  return new Uint8Array(randomBytes(count));
}

/** A user that nobody has seen. */
export function someUser(): UserId {
  return randomUUID() as UserId;
}

/** A device of a user, by default the first of a new one. */
export function someDevice(deviceId = 1, userId: UserId = someUser()): DeviceAddress {
  return { userId, deviceId: deviceId as DeviceId };
}

/** An account's owner, who asks over the list with which it was registered. */
export function ownerOf({ userId, deviceList }: NewAccount): ProvenOwner {
  return { userId, listHash: deviceList.hash };
}

/** The end of an account, as its owner wants it. */
export function someEnding(account: NewAccount, now = start): AccountEnding {
  return { ...ownerOf(account), receipt: someBytes(32), now };
}

/** A number as it is known to the relay. */
export function someNumber(): NumberMac {
  return someBytes(32) as NumberMac;
}

/** A one-time EC prekey. */
export function ecPrekey(id: number): EcPrekey {
  return { id, publicKey: someBytes(33) };
}

/** A prekey with a signature. */
export function signedPrekey(id: number): SignedPrekey {
  return { id, publicKey: someBytes(33), signature: someBytes(64) };
}

/** A device list with these ids. */
export function someList(version: number, deviceIds: readonly number[]): StoredDeviceList {
  return {
    version,
    signed: someBytes(200),
    hash: someBytes(32),
    rootKey: someBytes(33),
    identityKey: someBytes(33),
    devices: deviceIds.map((deviceId) => ({ deviceId, registrationId: randomInt(1, 16_380) })),
  };
}

/** A registration with all that belongs to one, of a new user with a new number. */
export function someAccount(change: Partial<NewAccount> = {}): NewAccount {
  const userId = change.userId ?? someUser();
  return {
    idempotencyKey: someBytes(16),
    requestHash: someBytes(32),
    userId,
    numberMac: someNumber(),
    numberCiphertext: someBytes(48),
    deviceList: someList(1, [1]),
    device: someDevice(1, userId),
    prekeys: {
      signedPrekey: signedPrekey(1),
      lastResortKyberPrekey: signedPrekey(1),
      prekeys: [ecPrekey(1), ecPrekey(2), ecPrekey(3)],
      kyberPrekeys: [signedPrekey(2), signedPrekey(3)],
    },
    profile: someBytes(256),
    accessKeyHash: someBytes(32),
    refreshTokenHash: someBytes(32),
    createdAt: start,
    lock: { secretMac: undefined, now: start, idleMs: 30 * 86_400_000 },
    recovers: false,
    ...change,
  };
}
