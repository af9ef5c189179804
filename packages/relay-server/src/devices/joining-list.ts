import { DeviceList, SignedDeviceList } from '@sotto/proto';
import { type CheckedDeviceList, checkFollows } from '../accounts/device-list.ts';
import { outdatedList } from '../accounts/outdated-list.ts';
import type { StoredDeviceList } from '../ports/account-store.ts';
import { RelayError } from '../relay-error.ts';

/**
 * Checks that a list is the next one of an account and adds one device to it, changing nothing else but names and capabilities; gives the key of that device.
 * @throws {RelayError} `devices-changed` with the list as it is, `device-list-invalid`, `devices-full`
 */
export function checkJoining(
  before: StoredDeviceList,
  next: CheckedDeviceList,
  joining: { readonly userId: string; readonly deviceId: number; readonly mostDevices: number },
): Uint8Array {
  const { userId, deviceId, mostDevices } = joining;
  checkFollows(before, next, userId);
  if (next.stored.version !== before.version + 1) throw outdatedList(before);
  if (!sameBytes(before.identityKey, next.stored.identityKey)) throw invalid('a new device changes no identity key.');
  const [earlier, later] = [devicesOf(before), devicesOf(next.stored)];
  const added = later.get(deviceId);
  if (added === undefined || earlier.has(deviceId)) throw invalid('it has to add the device that asks.');
  if (later.size !== earlier.size + 1) throw invalid('it has to keep all devices, and to add one.');
  for (const [id, { registrationId, deviceKey }] of earlier) {
    const kept = later.get(id);
    if (kept?.registrationId !== registrationId || !sameBytes(kept.deviceKey, deviceKey)) {
      throw invalid('it has to keep all devices as they are, and to add one.');
    }
  }
  if (later.size > mostDevices) throw tooManyDevices();
  return added.deviceKey;
}

/** There are as many devices as there may be. */
export function tooManyDevices(): RelayError {
  return new RelayError('devices-full', 'The account has as many devices as it may: take one off its list first.');
}

interface NamedDevice {
  readonly registrationId: number;
  readonly deviceKey: Uint8Array;
}

function devicesOf({ signed }: StoredDeviceList): ReadonlyMap<number, NamedDevice> {
  const { devices } = DeviceList.decode(SignedDeviceList.decode(signed).list);
  return new Map(
    devices.map(({ deviceId, registrationId, deviceKey }) => [
      deviceId ?? 0,
      { registrationId: registrationId ?? 0, deviceKey: deviceKey ?? new Uint8Array() },
    ]),
  );
}

function sameBytes(one: Uint8Array, other: Uint8Array): boolean {
  return Buffer.compare(one, other) === 0;
}

function invalid(message: string): RelayError {
  return new RelayError('device-list-invalid', `The device list is not valid: ${message}`);
}
