import { RecipientStatus, type SendRecipientFields } from '@sotto/proto';
import type { StoredDeviceList } from '../ports/account-store.ts';
import type { DeviceAddress, UserId } from '../ports/ids.ts';

/**
 * Whether a Send names exactly the devices that an account has now, by version, device ids and registration ids.
 *
 * To the sender's own account the sending device may be left out: it knows what it sent. A sealed sender is nobody's device.
 * Whoever is idle or has no prekeys may be left out, too.
 */
export function checkRecipient(
  userId: UserId,
  recipient: SendRecipientFields,
  list: StoredDeviceList | undefined,
  sender: DeviceAddress | undefined,
): RecipientStatus {
  if (list === undefined) return RecipientStatus.RECIPIENT_STATUS_UNKNOWN_USER;
  const named = recipient.devices ?? [];
  const changed = RecipientStatus.RECIPIENT_STATUS_DEVICES_CHANGED;
  if (recipient.deviceListVersion !== list.version) return changed;
  let matched = 0;
  for (const device of list.devices) {
    const match = named.find(({ deviceId }) => deviceId === device.deviceId);
    if (match === undefined) {
      if (userId === sender?.userId && device.deviceId === sender.deviceId) continue;
      if (device.standing !== undefined) continue;
      return changed;
    }
    if (match.registrationId !== device.registrationId) return changed;
    matched++;
  }
  return matched === named.length ? RecipientStatus.RECIPIENT_STATUS_ACCEPTED : changed;
}
