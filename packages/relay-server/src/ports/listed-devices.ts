import type { DeviceIncarnation } from './device-incarnation.ts';
import type { DeviceAddress, UserId } from './ids.ts';

/** What is known under a user id: nobody was ever registered, an account that has ended, or the incarnations of the devices that the account lists, by device id. */
export type ListedUser =
  | { readonly status: 'unknown' | 'ended' }
  | { readonly status: 'listed'; readonly incarnations: ReadonlyMap<number, string> };

/**
 * Who is listed now.
 *
 * What it says was true at some moment between the call and its answer: a change of the list that ended before the call is seen.
 * @throws {RelayError} `store-unavailable`
 */
export interface ListedDevices {
  of(userId: UserId): Promise<ListedUser>;
}

/** A device as it is listed; `undefined`: it is not (any more). Of a user whom nobody knows every device is there, without an incarnation. */
export function listedDevice(user: ListedUser, { userId, deviceId }: DeviceAddress): DeviceIncarnation | undefined {
  if (user.status === 'unknown') return { userId, deviceId, incarnation: '' };
  const incarnation = user.status === 'listed' ? user.incarnations.get(deviceId) : undefined;
  return incarnation === undefined ? undefined : { userId, deviceId, incarnation };
}
