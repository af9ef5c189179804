import type { Content } from '@sotto/proto';
import { Hold } from '../crypto/hold.ts';
import type { Overlay } from '../crypto/overlay.ts';
import type { AccountRecord } from '../ports/account-record.ts';
import type { DeviceAddress } from '../ports/ids.ts';
import { lastListedId, listedDevices } from './accepted-list.ts';

/** How far the clock of this device, or the relay's, may have been set since without any mail being lost by it. */
const clocksDiffer = 3_600_000;

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

/** Whether a device was one of its account's and is so no more, as far as its list is known here. What it wrote before may still come; what it says of the account is over. */
export async function isFormerDevice(
  overlay: Pick<Overlay, 'get'>,
  { userId, deviceId }: DeviceAddress,
): Promise<boolean> {
  const list = await overlay.get('deviceList', { userId });
  if (list === undefined || deviceId > lastListedId(list)) return false;
  return !listedDevices(list).some((device) => device.deviceId === deviceId);
}

/**
 * Whether nothing of a device is taken any more, and nothing of it kept: a former one of the own account at all, that of anybody else when the relay took its mail after the new identity key of the account was known here. The key of its former sessions, and a certificate that lives on for hours, are all that it has left.
 * @param acceptedAt when the relay took it, by its clock
 * @param takenAt the same by this device's clock, as far as the two lie apart now: clocks are set, and nothing is lost as long as one of the two says that it was before
 */
export async function isUnheard(
  overlay: Pick<Overlay, 'get'>,
  sender: DeviceAddress,
  own: Pick<AccountRecord, 'userId'>,
  { acceptedAt, takenAt }: { readonly acceptedAt: number; readonly takenAt: number },
): Promise<boolean> {
  const { userId } = sender;
  if (!(await isFormerDevice(overlay, sender))) return false;
  if (userId === own.userId) return true;
  const identity = await overlay.get('identity', { userId });
  const learnedAt = identity?.pending?.listed ? identity.pending.seenAt : identity?.changedAt;
  return learnedAt !== undefined && learnedAt + clocksDiffer < Math.min(acceptedAt, takenAt);
}

/**
 * What an own device says to this one alone is no talk: that it says to others, and what it tells of it is `sync`.
 * @throws {Hold} `content-invalid`
 */
export function checkOwnWord({ userId }: DeviceAddress, own: AccountRecord, content: Content): void {
  if (userId === own.userId && content.groupId.length === 0 && content.seq > 0) throw new Hold('content-invalid');
}
