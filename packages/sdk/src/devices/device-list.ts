import { DeviceList, SignedDeviceList, signedBytesOfDeviceList, uuidToBytes, uuidToText } from '@sotto/proto';
import { type PrivateKey, PublicKey } from '#libsignal';
import { asBuffer } from '../crypto/as-buffer.ts';
import { sameBytes } from '../crypto/same-bytes.ts';
import type { Sha256 } from '../ports/hash.ts';
import type { DeviceId, UserId } from '../ports/ids.ts';
import type { DeviceListRecord } from '../ports/user-record.ts';
import { SottoError } from '../sotto-error.ts';

/** The most devices of an account: their ids are 1 to 127. */
export const mostDevices = 127;
const greatestRegistrationId = 16_380;
const publicKeyBytes = 33;
/** Curve25519 ignores this bit of a key's last byte (RFC 7748, section 5): set, it would make other bytes of the same key. */
const ignoredBit = 0x80;

/** One device of an account. */
export interface ListedDevice {
  readonly deviceId: DeviceId;
  readonly registrationId: number;
  /** libsignal's 33 bytes. */
  readonly deviceKey: Uint8Array;
  /** By the clock of whoever signed; the list's own time when left out of a new one. */
  readonly addedAt?: number;
  /** Its name, for the account's own devices (`openDeviceName`). */
  readonly sealedName?: Uint8Array;
  /** The account's identity key pair, for this device alone (`openIdentity`). */
  readonly sealedIdentity?: Uint8Array;
}

/** What a signed device list says, once its signature and form were checked. */
export interface CheckedDeviceList {
  readonly userId: UserId;
  readonly version: number;
  /** SHA-256 of the list of the version before; empty at version 1. */
  readonly previousHash: Uint8Array;
  readonly createdAt: number;
  /** libsignal's 33 bytes. */
  readonly identityKey: Uint8Array;
  /** At least one, each id once. */
  readonly devices: readonly ListedDevice[];
  /** The highest device id that was ever given; at least that of `devices`. */
  readonly lastDeviceId?: number;
  /** The version that brought `identityKey`; 0 when it is the first one. */
  readonly identitySince?: number;
  readonly rootKey: Uint8Array;
  /** SHA-256 of the inner list. */
  readonly hash: Uint8Array;
  /** The encoded SignedDeviceList. */
  readonly signed: Uint8Array;
}

/** What to sign. */
export type NewDeviceList = Omit<CheckedDeviceList, 'rootKey' | 'hash' | 'signed'>;

/** Encodes a device list and signs it with the root key: an encoded SignedDeviceList. */
export function signDeviceList(list: NewDeviceList, rootKey: PrivateKey): Uint8Array {
  const encoded = DeviceList.encode({
    userId: uuidToBytes(list.userId),
    version: list.version,
    previousHash: list.previousHash,
    createdAt: list.createdAt,
    identityKey: list.identityKey,
    devices: list.devices.map((device) => ({ addedAt: list.createdAt, ...device })),
    lastDeviceId: lastDeviceIdOf(list),
    identitySince: list.identitySince ?? 0,
  });
  const signed = SignedDeviceList.encode({
    list: encoded,
    signature: rootKey.sign(asBuffer(signedBytesOfDeviceList(encoded))),
    rootKey: rootKey.getPublicKey().serialize(),
  });
  return Uint8Array.from(signed);
}

/**
 * Checks what a signed device list says of itself: signature, form, keys, and whose it is. Whether its root key is the right one is for `checkSuccession`.
 * @throws {SottoError} `device-list-invalid`
 */
export function verifyDeviceList(signed: Uint8Array, userId: UserId, sha256: Sha256): CheckedDeviceList {
  try {
    const { list, signature, rootKey } = SignedDeviceList.decode(signed);
    if (!readKey(rootKey).verify(asBuffer(signedBytesOfDeviceList(list)), asBuffer(signature))) {
      throw invalid('its root key did not sign it');
    }
    const decoded = DeviceList.decode(list);
    const { version, previousHash, createdAt, identityKey, devices, userId: owner } = decoded;
    if (uuidToText(owner) !== userId) throw invalid('it belongs to somebody else');
    if (version < 1) throw invalid('versions count from 1');
    if (previousHash.length !== (version === 1 ? 0 : 32)) throw invalid('its link to the version before is missing');
    readKey(identityKey);
    const listed = readDevices(devices);
    return {
      userId,
      version,
      previousHash: Uint8Array.from(previousHash),
      createdAt,
      identityKey: Uint8Array.from(identityKey),
      devices: listed,
      lastDeviceId: lastDeviceIdOf({ devices: listed, lastDeviceId: decoded.lastDeviceId }),
      identitySince: decoded.identitySince,
      rootKey: Uint8Array.from(rootKey),
      hash: sha256(list),
      signed: Uint8Array.from(signed),
    };
  } catch (cause) {
    if (cause instanceof SottoError) throw cause;
    // A ProtoError, or libsignal's word on a key that is none.
    throw invalid('it can not be read', cause);
  }
}

/**
 * Checks that a list may take the place of what is known: the pinned root key, no older version, no second list of the same version, linked to the one before.
 * @throws {SottoError} `device-list-invalid`
 */
export function checkSuccession(known: DeviceListRecord | undefined, next: CheckedDeviceList): void {
  if (known === undefined) return;
  if (!sameBytes(known.rootKey, next.rootKey)) throw invalid('another root key signed it than before');
  if (next.version < known.version) throw invalid('it is older than one that was seen');
  if (next.version === known.version && !sameBytes(known.hash, next.hash)) {
    throw invalid('it differs from one of the same version');
  }
  if (next.version === known.version + 1 && !sameBytes(known.hash, next.previousHash)) {
    throw invalid('it does not follow the one before');
  }
}

function lastDeviceIdOf({ devices, lastDeviceId = 0 }: Pick<NewDeviceList, 'devices' | 'lastDeviceId'>): number {
  const named = Math.min(lastDeviceId, mostDevices);
  return Math.max(named, ...devices.map(({ deviceId }) => deviceId));
}

function readDevices(devices: DeviceList['devices']): readonly ListedDevice[] {
  if (devices.length < 1 || devices.length > mostDevices) throw invalid('it has no devices, or too many');
  const seen = new Set<number>();
  return devices.map((device) => {
    const deviceId = device.deviceId ?? 0;
    const registrationId = device.registrationId ?? 0;
    const deviceKey = Uint8Array.from(device.deviceKey ?? []);
    if (deviceId < 1 || deviceId > mostDevices) throw invalid('device ids are 1 to 127');
    if (registrationId < 1 || registrationId > greatestRegistrationId) throw invalid('registration ids are 1 to 16380');
    if (seen.has(deviceId)) throw invalid('it names a device twice');
    seen.add(deviceId);
    readKey(deviceKey);
    const { sealedName, sealedIdentity } = device;
    return {
      deviceId: deviceId as DeviceId,
      registrationId,
      deviceKey,
      addedAt: device.addedAt ?? 0,
      ...(sealedName && sealedName.length > 0 && { sealedName: Uint8Array.from(sealedName) }),
      ...(sealedIdentity && sealedIdentity.length > 0 && { sealedIdentity: Uint8Array.from(sealedIdentity) }),
    };
  });
}

function readKey(bytes: Uint8Array): PublicKey {
  if (bytes.length !== publicKeyBytes) throw invalid('a key has the wrong length');
  if (((bytes[publicKeyBytes - 1] ?? 0) & ignoredBit) !== 0) throw invalid('a key is not in its one form');
  return PublicKey.deserialize(asBuffer(bytes));
}

function invalid(reason: string, cause?: unknown): SottoError {
  return new SottoError(
    'device-list-invalid',
    `the list of devices is not to be trusted: ${reason}. Nothing was sent; if it stays so, ask the relay's operator`,
    { cause },
  );
}
