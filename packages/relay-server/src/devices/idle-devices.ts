import type { StoredDeviceList } from '../ports/account-store.ts';

const none: readonly number[] = [];

/** The ids of the devices of a list that are idle. */
export function idleDevices({ devices }: Pick<StoredDeviceList, 'devices'>): readonly number[] {
  // Asked for each recipient of each Send, and nearly always there is none.
  if (devices.every(({ standing }) => standing !== 'idle')) return none;
  return devices.flatMap(({ deviceId, standing }) => (standing === 'idle' ? [deviceId] : []));
}
