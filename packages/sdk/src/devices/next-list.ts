import type { DeviceId } from '../ports/ids.ts';
import { SottoError } from '../sotto-error.ts';
import { type CheckedDeviceList, type ListedDevice, mostDevices, type NewDeviceList } from './device-list.ts';

/** The primary device of an account: the one that was there first. */
export function primaryOf({ devices }: { readonly devices: readonly Pick<ListedDevice, 'deviceId'>[] }): DeviceId {
  return Math.min(...devices.map(({ deviceId }) => deviceId)) as DeviceId;
}

/**
 * The id for one more device: one that no device ever had, since to contacts a device that comes back under its id is the one from before. When all were given, a free one that leaves the primary the lowest.
 * @throws {SottoError} `argument-invalid`: the account has every device that it can have
 */
export function freshDeviceId(list: Pick<CheckedDeviceList, 'devices' | 'lastDeviceId'>): DeviceId {
  const taken = new Set<number>(list.devices.map(({ deviceId }) => deviceId));
  const next = Math.max(list.lastDeviceId ?? 0, ...taken) + 1;
  if (next <= mostDevices) return next as DeviceId;
  for (let id = primaryOf(list) + 1; id <= mostDevices; id++) if (!taken.has(id)) return id as DeviceId;
  throw new SottoError('argument-invalid', 'the account has every device that it can have: revoke one first');
}

/** The list after this one, with other devices; under the same identity key where no other one is given. */
export function nextList(
  before: CheckedDeviceList,
  change: { readonly devices: readonly ListedDevice[]; readonly identityKey?: Uint8Array; readonly createdAt: number },
): NewDeviceList {
  return {
    userId: before.userId,
    version: before.version + 1,
    previousHash: before.hash,
    createdAt: change.createdAt,
    identityKey: change.identityKey ?? before.identityKey,
    devices: change.devices,
    lastDeviceId: before.lastDeviceId ?? 0,
    identitySince: change.identityKey === undefined ? (before.identitySince ?? 0) : before.version + 1,
  };
}
