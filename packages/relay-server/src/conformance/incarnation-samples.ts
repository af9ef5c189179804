import { randomUUID } from 'node:crypto';
import type { DeviceIncarnation } from '../ports/device-incarnation.ts';
import { someDevice } from './samples.ts';

/** A device that has never been listed before, by default the first of a new user. */
export function someIncarnation(of = someDevice()): DeviceIncarnation {
  return { userId: of.userId, deviceId: of.deviceId, incarnation: randomUUID() };
}
