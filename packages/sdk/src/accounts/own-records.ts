import type { Overlay } from '../crypto/overlay.ts';
import { verifyDeviceList } from '../devices/device-list.ts';
import type { AccountRecord } from '../ports/account-record.ts';
import type { Sha256 } from '../ports/hash.ts';

/** Keeps what this device knows of its own user and devices, as of any other. */
export function putOwnRecords(overlay: Overlay, account: AccountRecord, now: number, sha256: Sha256): void {
  const { userId, number, username, profileKey } = account;
  const { rootKey, version, hash, signed } = verifyDeviceList(account.deviceList, userId, sha256);
  overlay.put('deviceList', { userId, rootKey, version, hash, signed, begunAnew: false });
  overlay.put('user', {
    id: userId,
    number,
    username,
    profileKey,
    profileKeyAt: undefined,
    avatarHash: undefined,
    returnsReceipts: true,
    blockedAt: undefined,
    createdAt: now,
    updatedAt: now,
  });
}
