import type { StoredDeviceList } from './account-store.ts';
import type { DeviceAddress, UserId } from './ids.ts';
import type { PrekeySet } from './prekey-store.ts';

/** All that comes to be at once when a device joins an account. */
export interface NewDevice {
  /** 16 bytes, from the device. */
  readonly idempotencyKey: Uint8Array;
  /** SHA-256 of the request: the same key with another request is refused. */
  readonly requestHash: Uint8Array;
  readonly device: DeviceAddress;
  /** The next version of the account's, which lists the device. */
  readonly deviceList: StoredDeviceList;
  readonly prekeys: PrekeySet;
  readonly refreshTokenHash: Uint8Array;
  readonly now: number;
}

/** A device as it joined. */
export interface JoinedDevice {
  readonly device: DeviceAddress;
  readonly requestHash: Uint8Array;
}

/**
 * `repeated`: this very request had been carried out, and the device is still listed. `idempotency-mismatch`: the key was used for another one.
 * `conflict`: the account's list is not the one before `deviceList`. `unknown`: there is no such account (any more).
 */
export type JoinOutcome = 'joined' | 'repeated' | 'idempotency-mismatch' | 'conflict' | 'unknown';

/** When a device was connected last. */
export interface DeviceSighting {
  readonly deviceId: number;
  /** The beginning of that day, UTC; `undefined` when it is not known. */
  readonly lastSeenDay: number | undefined;
}

/** What there is of an account's devices beside its list. Days are those of UTC; they are kept for accounts with more than one device alone. */
export interface DeviceStore {
  /** Which device joined by a request with this key, as long as it is listed. */
  joined(idempotencyKey: Uint8Array): Promise<JoinedDevice | undefined>;
  /**
   * Atomic: mailbox, prekeys, refresh token and the list that names the device come to be together or not at all. The account's devices count as seen today from then on.
   * @throws {RelayError} `prekey-conflict` when two prekeys share an id; `request-malformed` when the refresh token has been seen before
   */
  join(device: NewDevice): Promise<JoinOutcome>;
  /** Notes that devices are connected, at most 1,000 of them; gives those that were idle until now. Others than listed ones are passed over. */
  heard(devices: readonly DeviceAddress[], now: number): Promise<readonly DeviceAddress[]>;
  sightings(userId: UserId): Promise<readonly DeviceSighting[]>;
  /** Marks the devices as idle that were not seen on the day of `since` or after it; gives those that were not idle before. Never the primary, which is the listed one with the lowest id. */
  markIdle(since: number): Promise<readonly DeviceAddress[]>;
}
