import type { NewAccount, StoredDeviceList } from '../ports/account-store.ts';
import type { NewDevice } from '../ports/device-store.ts';
import { ecPrekey, signedPrekey, someBytes, someDevice, someList, start } from './samples.ts';

/** The list of an account with further devices, under the same identity key. */
export function listOf(account: NewAccount, version: number, deviceIds: readonly number[]): StoredDeviceList {
  const { devices, identityKey, rootKey } = account.deviceList;
  const added = someList(version, deviceIds);
  return { ...added, devices: [...devices, ...added.devices], identityKey, rootKey };
}

/** Device 2 of an account, with all that comes with it. */
export function someJoin(account: NewAccount, change: Partial<NewDevice> = {}): NewDevice {
  return {
    idempotencyKey: someBytes(16),
    requestHash: someBytes(32),
    device: someDevice(2, account.userId),
    deviceList: listOf(account, 2, [2]),
    prekeys: {
      signedPrekey: signedPrekey(1),
      lastResortKyberPrekey: signedPrekey(1),
      prekeys: [ecPrekey(1), ecPrekey(2)],
      kyberPrekeys: [signedPrekey(2)],
    },
    refreshTokenHash: someBytes(32),
    now: start,
    ...change,
  };
}
