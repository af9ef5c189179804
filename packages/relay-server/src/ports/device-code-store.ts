import type { DeviceAddress, UserId } from './ids.ts';

/** One-time codes by which an account lets a new device register. Values are SHA-256 hashes; a store may lose them with its process. */
export interface DeviceCodeStore {
  issue(code: Uint8Array, device: DeviceAddress, expiresAt: number): Promise<void>;
  /** Gives the device that asked for the code, which belongs to `claim` from then on: the same claim gets it again until it ends, any other `undefined`, as with a code that is unknown or has ended at `now`. */
  claim(code: Uint8Array, claim: Uint8Array, now: number): Promise<DeviceAddress | undefined>;
  /** Forgets the codes of a device, or of all devices of an account. Harmless when there is none. */
  revoke(userId: UserId, deviceId?: number): Promise<void>;
}
