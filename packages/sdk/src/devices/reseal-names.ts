import type { Randomness } from '../ports/randomness.ts';
import type { CallOptions } from '../transport/http-client.ts';
import type { CheckedDeviceList, ListedDevice } from './device-list.ts';
import { openDeviceName, resealDeviceName } from './device-name.ts';
import type { OwnDevices } from './own-devices.ts';

/**
 * Seals the names of the own devices under a profile key that is to take the place of another one, on the primary device. Those that are under it already are left as they are: after a crash it is called again.
 * @throws {SottoError} as `OwnDevices.change`
 */
export async function resealNames(
  own: Pick<OwnDevices, 'list' | 'change'>,
  keys: { readonly from: Uint8Array; readonly to: Uint8Array },
  randomness: Randomness,
  options: CallOptions = {},
): Promise<void> {
  const { list } = await own.list();
  const isDue = ({ sealedName }: ListedDevice) => openDeviceName(sealedName, keys.from) !== '';
  if (!list.devices.some(isDue)) return;
  const resealed = (device: ListedDevice): ListedDevice => {
    const sealedName = resealDeviceName(device.sealedName, keys, randomness);
    return sealedName === undefined ? device : { ...device, sealedName };
  };
  const make = (before: CheckedDeviceList) => ({ devices: before.devices.map(resealed), newIdentity: false });
  await own.change(make, options);
}
