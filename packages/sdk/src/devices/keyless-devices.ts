import type { DeviceId, UserId } from '../ports/ids.ts';

/**
 * Devices that are on a list and have no prekeys at the relay: nobody can begin a session with them before they have come back, and a Send leaves them out until then. The relay says so when they have.
 *
 * Kept in memory: after a start it is found out again.
 */
export class KeylessDevices {
  readonly #known = new Map<UserId, { readonly version: number; readonly deviceIds: ReadonlySet<DeviceId> }>();

  /** The relay gave keys of all devices of a list but these. */
  note(userId: UserId, version: number, deviceIds: readonly DeviceId[]): void {
    if (deviceIds.length === 0) this.#known.delete(userId);
    else this.#known.set(userId, { version, deviceIds: new Set(deviceIds) });
  }

  /** The relay says that somebody's devices are others. */
  forget(userId: UserId): void {
    this.#known.delete(userId);
  }

  /** Whether a device of this version of the list has no keys, as far as it is known. */
  has(userId: UserId, version: number, deviceId: DeviceId): boolean {
    const known = this.#known.get(userId);
    return known?.version === version && known.deviceIds.has(deviceId);
  }
}
