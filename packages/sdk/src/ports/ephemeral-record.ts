import type { DeviceId, UserId } from './ids.ts';

/** The secret under which one device's ephemeral signals to the other side are encrypted: an own one, or one of the other person's devices. */
export interface EphemeralSecretRecord {
  /** The other person. */
  readonly userId: UserId;
  /** Whose signals it is for: the own device (`out`), or one of theirs (`in`). */
  readonly direction: 'out' | 'in';
  readonly deviceId: DeviceId;
  /** 32 bytes. Secret. */
  readonly secret: Uint8Array;
  /** Their identity key, 33 bytes, as it was then: under another one the secret is void. */
  readonly identityKey: Uint8Array;
  /** Of an own one: the version of their device list for which `known` holds; 0 otherwise. */
  readonly deviceListVersion: number;
  /** Of an own one: messages whose position is above this carried it. */
  readonly since: number;
  /** Of an own one: whether they are known to have it. */
  readonly known: boolean;
}
