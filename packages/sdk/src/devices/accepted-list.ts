import { DeviceList, SignedDeviceList } from '@sotto/proto';
import type { DeviceId } from '../ports/ids.ts';
import type { DeviceListRecord } from '../ports/user-record.ts';
import type { ListedDevice } from './device-list.ts';

/** What a Send has to know of a device. */
export type SendableDevice = Pick<ListedDevice, 'deviceId' | 'registrationId'>;

/** The same, with the key that is the device's own. */
export type KeyedDevice = SendableDevice & Pick<ListedDevice, 'deviceKey'>;

interface ParsedList {
  readonly identityKey: Uint8Array;
  readonly devices: readonly KeyedDevice[];
  readonly lastDeviceId: number;
}

/** By signed list: the bytes of a record are the same object as long as it is in memory. */
const parsedLists = new WeakMap<Uint8Array, ParsedList>();

/** The devices of an accepted list. It was verified when it was stored. */
export function listedDevices(list: Pick<DeviceListRecord, 'signed'>): readonly KeyedDevice[] {
  return parseList(list).devices;
}

/** The identity key of an accepted list, 33 bytes. */
export function listedIdentity(list: Pick<DeviceListRecord, 'signed'>): Uint8Array {
  return parseList(list).identityKey;
}

/** The highest id that a device of an accepted list ever had. */
export function lastListedId(list: Pick<DeviceListRecord, 'signed'>): number {
  return parseList(list).lastDeviceId;
}

function parseList({ signed }: Pick<DeviceListRecord, 'signed'>): ParsedList {
  const known = parsedLists.get(signed);
  if (known !== undefined) return known;
  const { devices, identityKey, lastDeviceId } = DeviceList.decode(SignedDeviceList.decode(signed).list);
  const parsed = {
    identityKey,
    lastDeviceId,
    devices: devices.map((device) => ({
      deviceId: (device.deviceId ?? 0) as DeviceId,
      registrationId: device.registrationId ?? 0,
      deviceKey: device.deviceKey ?? new Uint8Array(),
    })),
  };
  parsedLists.set(signed, parsed);
  return parsed;
}
