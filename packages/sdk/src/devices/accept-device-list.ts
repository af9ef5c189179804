import type { Overlay } from '../crypto/overlay.ts';
import { sameBytes } from '../crypto/same-bytes.ts';
import type { Sha256 } from '../ports/hash.ts';
import type { UserId } from '../ports/ids.ts';
import type { DeviceListRecord } from '../ports/user-record.ts';
import { listedDevices, listedIdentity } from './accepted-list.ts';
import { type CheckedDeviceList, checkSuccession, verifyDeviceList } from './device-list.ts';
import { checkAgainstNamed } from './named-list.ts';

/**
 * Checks a signed device list against what this device knows of the account, and keeps it: the root key is pinned at first sight.
 *
 * Run it under a lock that all who accept lists of this account share, within `tellingForks`.
 * @throws {SottoError} `device-list-invalid`, `device-list-forked` (the person has named another one): nothing is changed
 */
export async function acceptDeviceList(
  overlay: Overlay,
  signed: Uint8Array,
  userId: UserId,
  sha256: Sha256,
): Promise<CheckedDeviceList> {
  const list = verifyDeviceList(signed, userId, sha256);
  const known = await overlay.get('deviceList', { userId });
  checkSuccession(known, list);
  await checkAgainstNamed(overlay, list);
  if (known?.version !== list.version) {
    const { rootKey, version, hash } = list;
    const begunAnew = known !== undefined && (known.begunAnew || !isContinued(known, list));
    overlay.put('deviceList', { userId, rootKey, version, hash, signed: list.signed, begunAnew });
  }
  return list;
}

/** Whether whoever holds the account by a list is who held it before: the identity key is the same, or a device is. */
function isContinued(known: DeviceListRecord, { identityKey, devices }: CheckedDeviceList): boolean {
  if (sameBytes(listedIdentity(known), identityKey)) return true;
  const before = listedDevices(known);
  return devices.some(({ deviceKey }) => before.some((device) => sameBytes(device.deviceKey, deviceKey)));
}
