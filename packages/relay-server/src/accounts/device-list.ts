import { createHash } from 'node:crypto';
import { DeviceList, SignedDeviceList, signedBytesOfDeviceList, uuidToText } from '@sotto/proto';
import { readEcKey, signedBy } from '../keys/public-key.ts';
import type { StoredDeviceList } from '../ports/account-store.ts';
import { RelayError } from '../relay-error.ts';

/** The most devices of an account. */
const mostDevices = 127;
const greatestRegistrationId = 16_380;

/** A device list that is signed and well formed, with what binds it to its account and its predecessor. */
export interface CheckedDeviceList {
  readonly userId: string;
  readonly previousHash: Uint8Array;
  readonly stored: StoredDeviceList;
}

/**
 * Reads a signed device list and checks what it says of itself: the signature of its root key, its keys and its devices.
 *
 * That the root key is the account's own, and how it follows the list before, is for `follows`.
 * @throws {RelayError} `device-list-invalid`, `signature-invalid`, `key-malformed`
 * @throws {ProtoError} when the bytes are no such message
 */
export function readDeviceList(signed: Uint8Array): CheckedDeviceList {
  const outer = SignedDeviceList.decode(signed);
  const rootKey = readEcKey(outer.rootKey);
  if (!signedBy(rootKey, signedBytesOfDeviceList(outer.list), outer.signature)) {
    throw new RelayError('signature-invalid', 'The device list is not signed by its root key.');
  }
  const list = DeviceList.decode(outer.list);
  if (list.userId.length !== 16) throw invalid('user_id has to have 16 bytes.');
  readEcKey(list.identityKey);
  if (list.version < 1) throw invalid('versions count from 1.');
  if (list.previousHash.length !== (list.version === 1 ? 0 : 32)) {
    throw invalid('previous_hash is empty at version 1 and 32 bytes after.');
  }
  if (list.devices.length < 1 || list.devices.length > mostDevices) throw invalid('an account has 1 to 127 devices.');
  const seen = new Set<number>();
  const devices = list.devices.map((device) => {
    const deviceId = device.deviceId ?? 0;
    const registrationId = device.registrationId ?? 0;
    if (deviceId < 1 || deviceId > mostDevices || seen.has(deviceId)) {
      throw invalid('device ids are 1 to 127, each once.');
    }
    if (registrationId < 1 || registrationId > greatestRegistrationId) {
      throw invalid('registration ids are 1 to 16380.');
    }
    readEcKey(device.deviceKey ?? new Uint8Array());
    seen.add(deviceId);
    return { deviceId, registrationId };
  });
  return {
    userId: uuidToText(list.userId),
    previousHash: Uint8Array.from(list.previousHash),
    stored: {
      version: list.version,
      signed: Uint8Array.from(signed),
      hash: createHash('sha256').update(outer.list).digest(),
      rootKey: Uint8Array.from(outer.rootKey),
      identityKey: Uint8Array.from(list.identityKey),
      devices,
    },
  };
}

/**
 * Reads the first list of a new account: version 1, exactly device 1.
 * @throws {RelayError} as `readDeviceList`
 */
export function readFirstDeviceList(signed: Uint8Array, userId: string): StoredDeviceList {
  const list = readDeviceList(signed);
  if (list.userId !== userId) throw invalid('user_id has to be the userId of the registration.');
  if (list.stored.version !== 1) throw invalid('an account begins with version 1.');
  if (list.stored.devices.length !== 1 || list.stored.devices[0]?.deviceId !== 1) {
    throw invalid('an account begins with device 1 alone.');
  }
  return list.stored;
}

/**
 * Reads the list of an account that is registered anew: a later version, exactly one device.
 * @throws {RelayError} as `readDeviceList`
 */
export function readRecoveredDeviceList(signed: Uint8Array, userId: string): CheckedDeviceList {
  const list = readDeviceList(signed);
  if (list.userId !== userId) throw invalid('user_id has to be the userId of the registration.');
  if (list.stored.version < 2) throw invalid('a list that is registered anew follows the one before.');
  if (list.stored.devices.length !== 1) throw invalid('an account that is registered anew has one device.');
  return list;
}

/** Whether `next` continues the chain of `before`: same account, same root key, next version, its hash. */
export function checkFollows(before: StoredDeviceList, next: CheckedDeviceList, userId: string): void {
  if (next.userId !== userId) throw invalid('user_id has to be your own.');
  if (!sameBytes(before.rootKey, next.stored.rootKey)) throw invalid('only the root key of the account may sign it.');
  if (next.stored.version === before.version + 1 && !sameBytes(before.hash, next.previousHash)) {
    throw invalid('previous_hash has to be SHA-256 of the list before.');
  }
}

function sameBytes(one: Uint8Array, other: Uint8Array): boolean {
  return Buffer.compare(one, other) === 0;
}

function invalid(message: string): RelayError {
  return new RelayError('device-list-invalid', `The device list is not valid: ${message}`);
}
