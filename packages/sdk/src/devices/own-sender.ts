import type { Content } from '@sotto/proto';
import { Hold } from '../crypto/hold.ts';
import type { Overlay } from '../crypto/overlay.ts';
import type { AccountRecord } from '../ports/account-record.ts';
import type { DeviceAddress } from '../ports/ids.ts';
import { lastListedId, listedDevices } from './accepted-list.ts';

/**
 * Lets nobody speak for this user but the devices on the own list, as it is known here.
 * @throws {Hold} `sender-mismatch`: it is tried again when the list has changed
 */
export async function checkOwnSender(
  overlay: Overlay,
  { userId, deviceId }: DeviceAddress,
  own: AccountRecord,
): Promise<void> {
  if (userId !== own.userId) return;
  const list = await overlay.get('deviceList', { userId });
  const isListed = list !== undefined && listedDevices(list).some((device) => device.deviceId === deviceId);
  if (!isListed || deviceId === own.deviceId) throw new Hold('sender-mismatch');
}

/** Whether a device was one of the own account's and is so no more: nothing that it said counts, and nothing of it is kept. */
export async function isFormerDevice(
  overlay: Overlay,
  { userId, deviceId }: DeviceAddress,
  own: AccountRecord,
): Promise<boolean> {
  if (userId !== own.userId) return false;
  const list = await overlay.get('deviceList', { userId });
  if (list === undefined || deviceId > lastListedId(list)) return false;
  return !listedDevices(list).some((device) => device.deviceId === deviceId);
}

/**
 * What an own device says to this one alone is no talk: that it says to others, and what it tells of it is `sync`.
 * @throws {Hold} `content-invalid`
 */
export function checkOwnWord({ userId }: DeviceAddress, own: AccountRecord, content: Content): void {
  if (userId === own.userId && content.groupId.length === 0 && content.seq > 0) throw new Hold('content-invalid');
}
