import type { Overlay } from '../crypto/overlay.ts';
import type { Ratchet } from '../crypto/ratchet.ts';
import { sameBytes } from '../crypto/same-bytes.ts';
import { listedDevices, listedIdentity, type SendableDevice } from '../devices/accepted-list.ts';
import type { KeylessDevices } from '../devices/keyless-devices.ts';
import type { AccountRecord } from '../ports/account-record.ts';
import type { UserId } from '../ports/ids.ts';

/** The devices of a person that a Send names. */
export interface SendableDevices {
  /** Of the device list. */
  readonly version: number;
  readonly devices: readonly SendableDevice[];
}

/**
 * The devices to seal for, when there are sessions with all of them under the identity key that their list names; undefined when sessions must be made first.
 *
 * Of the own account, the others; devices without keys are left out, as long as they are not all.
 */
export async function sendableDevices(
  overlay: Overlay,
  {
    ratchet,
    own,
    keyless,
  }: { readonly ratchet: Ratchet; readonly own: AccountRecord; readonly keyless: KeylessDevices },
  userId: UserId,
): Promise<SendableDevices | undefined> {
  const list = await overlay.get('deviceList', { userId });
  const identity = await overlay.get('identity', { userId });
  if (list === undefined || identity === undefined || identity.pending !== undefined) return undefined;
  if (!sameBytes(identity.key, listedIdentity(list))) return undefined;
  const { version } = list;
  const devices = [];
  for (const device of listedDevices(list)) {
    const { deviceId, registrationId } = device;
    if (userId === own.userId && deviceId === own.deviceId) continue;
    if (await ratchet.canSend({ userId, deviceId }, registrationId)) devices.push(device);
    else if (!keyless.has(userId, version, deviceId)) return undefined;
  }
  return devices.length === 0 && listedDevices(list).length > 1 ? undefined : { version, devices };
}
