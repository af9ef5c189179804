import type { DeviceIncarnation } from '../../ports/device-incarnation.ts';
import { deviceKey } from './memory-state.ts';

/** A device of one listing as a key of a Map. */
export function incarnationKey(device: DeviceIncarnation): string {
  return `${deviceKey(device)}.${device.incarnation}`;
}
