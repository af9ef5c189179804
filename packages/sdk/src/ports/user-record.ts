import type { UserId } from './ids.ts';

/** A person that this device knows (the study's table `user`). */
export interface UserRecord {
  readonly id: UserId;
  /** E.164; empty when only the id is known. */
  readonly number: string;
  /** From the profile; empty until it is known. */
  readonly username: string;
  /** 32 bytes, from a message of theirs. Secret. */
  readonly profileKey: Uint8Array | undefined;
  /** The latest time at which they are known to have had that key: when a message with it was sent by their clock, but never later than it came. Undefined when none of theirs has brought it. */
  readonly profileKeyAt: number | undefined;
  /** SHA-256 of the avatar. */
  readonly avatarHash: Uint8Array | undefined;
  /** Whether their clients answer with delivery receipts: known from their messages. */
  readonly returnsReceipts: boolean;
  /** When this user blocked them. */
  readonly blockedAt: number | undefined;
  readonly createdAt: number;
  readonly updatedAt: number;
}

/** What somebody's message says of their own device list, as long as the relay has not shown that list. */
export interface NamedListRecord {
  readonly userId: UserId;
  readonly version: number;
  /** SHA-256 of the inner list. */
  readonly hash: Uint8Array;
  /** Their identity key that the word came under, 33 bytes: a list that replaces it ends the word. */
  readonly identityKey: Uint8Array;
  /** The relay has shown a list that contradicts it: nothing is sent to them. */
  readonly forked: boolean;
}

/** What was seen of somebody's devices: pins the root key, and refuses older versions. */
export interface DeviceListRecord {
  readonly userId: UserId;
  /** The root key pinned at first sight, 33 bytes. */
  readonly rootKey: Uint8Array;
  readonly version: number;
  /** SHA-256 of the inner list. */
  readonly hash: Uint8Array;
  /** An encoded SignedDeviceList. */
  readonly signed: Uint8Array;
  /** Another identity key has come with a list on which none of the devices before it was left: whoever it is has registered anew, by the recovery key. Once true, it stays so. */
  readonly begunAnew: boolean;
}

/** Somebody whose request was declined, or given up: what else is known of them goes some time later. */
export interface DeclinedRecord {
  readonly userId: UserId;
  readonly at: number;
}
