import type { DeviceIncarnation } from '../ports/device-incarnation.ts';
import type { DeviceId, DeviceKey, UserId } from '../ports/ids.ts';
import { type ListedUser, listedDevice } from '../ports/listed-devices.ts';
import type { MailDevice } from '../ports/mailbox.ts';

const userLength = 36;

/** What the dispatch flow calls a device. */
export function deviceKeyOf({ userId, deviceId, incarnation }: DeviceIncarnation): DeviceKey {
  return `${userId}.${deviceId}.${incarnation}` as DeviceKey;
}

/** The device that is named, as it is listed; `undefined`: it is not (any more), or another one has its address. */
export function namedDevice(user: ListedUser, named: MailDevice): DeviceIncarnation | undefined {
  const device = listedDevice(user, named);
  return named.incarnation === undefined || named.incarnation === device?.incarnation ? device : undefined;
}

/** The device that a key names: what `deviceKeyOf` was given. */
export function deviceOfKey(key: DeviceKey): DeviceIncarnation {
  const dot = key.indexOf('.', userLength + 1);
  return {
    userId: key.slice(0, userLength) as UserId,
    deviceId: Number(key.slice(userLength + 1, dot)) as DeviceId,
    incarnation: key.slice(dot + 1),
  };
}
