import type { PrekeyRenewal, StoredDeviceList } from '../../ports/account-store.ts';
import type { UserId } from '../../ports/ids.ts';
import { sameBytes } from './byte-key.ts';
import { type AccountRecord, deviceKey, devicesOf, forgetDevice, type MemoryState } from './memory-state.ts';
import { dropPrekeys, fitsPrekeys, noPrekeys, storePrekeys } from './prekey-store.ts';

/** The list of an account as its readers see it: with what is known of its devices beside. */
export function listWithStandings(state: MemoryState, userId: UserId, list: StoredDeviceList): StoredDeviceList {
  const devices = list.devices.map(({ deviceId, registrationId }) => {
    const key = deviceKey({ userId, deviceId });
    const device = { deviceId, registrationId };
    if (state.idle.has(key)) return { ...device, standing: 'idle' as const };
    return state.keyless.has(key) ? { ...device, standing: 'keyless' as const } : device;
  });
  return { ...list, devices };
}

/** Makes a list the account's. Whoever is not on it any more loses all; under another identity key all devices lose their prekeys, which the one before has signed. */
export function replaceList(state: MemoryState, userId: UserId, account: AccountRecord, list: StoredDeviceList): void {
  const isRotated = !sameBytes(account.deviceList.identityKey, list.identityKey);
  const listed = new Map(list.devices.map((device) => [device.deviceId, device.registrationId]));
  for (const device of devicesOf(userId, account.deviceList)) {
    const before = account.deviceList.devices.find(({ deviceId }) => deviceId === device.deviceId);
    if (listed.get(device.deviceId) !== before?.registrationId) forgetDevice(state, device, 'revoked');
  }
  for (const device of devicesOf(userId, list)) {
    const key = deviceKey(device);
    const held = state.prekeys.get(key) ?? noPrekeys();
    state.prekeys.set(key, held);
    // When somebody was online is kept only where it is needed: to find the device that is not used any more.
    if (list.devices.length === 1) state.seenDays.delete(key);
    if (!isRotated) continue;
    dropPrekeys(held);
    state.keyless.add(key);
  }
  account.deviceList = inOrder(list);
  // Whoever comes to be the primary is never idle.
  const [primary] = account.deviceList.devices;
  if (primary !== undefined) state.idle.delete(deviceKey({ userId, deviceId: primary.deviceId }));
}

/** Whether the keys that come with a new identity key can be stored for their device. */
export function fitsRenewal(state: MemoryState, userId: UserId, { deviceId, prekeys }: PrekeyRenewal): boolean {
  const trial = noPrekeys();
  if (storePrekeys(trial, prekeys, Number.POSITIVE_INFINITY) !== 'stored') return false;
  const held = state.prekeys.get(deviceKey({ userId, deviceId }));
  return held === undefined || fitsPrekeys(held, prekeys);
}

/** Stores the keys that come with a new identity key. */
export function renewPrekeys(state: MemoryState, userId: UserId, { deviceId, prekeys }: PrekeyRenewal): void {
  const key = deviceKey({ userId, deviceId });
  const held = state.prekeys.get(key);
  if (held === undefined) return;
  storePrekeys(held, prekeys, Number.POSITIVE_INFINITY);
  state.keyless.delete(key);
}

/** A list with its devices in the order of their ids, and nothing beside. */
export function inOrder(list: StoredDeviceList): StoredDeviceList {
  const devices = list.devices.map(({ deviceId, registrationId }) => ({ deviceId, registrationId }));
  return { ...list, devices: devices.sort((one, other) => one.deviceId - other.deviceId) };
}
