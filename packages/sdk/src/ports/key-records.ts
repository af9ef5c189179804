import type { DeviceId, UserId } from './ids.ts';

/** Somebody's identity key, as trusted here. */
export interface IdentityRecord {
  readonly userId: UserId;
  /** libsignal's 33 bytes. */
  readonly key: Uint8Array;
  readonly firstSeenAt: number;
  /** When it took the place of another one. */
  readonly changedAt: number | undefined;
  /** When this user said that it is really theirs, after comparing safety numbers. */
  readonly verifiedAt: number | undefined;
  /** Another key that was seen in the place of this one: nothing is sent under it until it takes its place. */
  readonly pending: PendingIdentity | undefined;
}

/** An identity key that waits to be accepted. */
export interface PendingIdentity {
  /** libsignal's 33 bytes. */
  readonly key: Uint8Array;
  readonly seenAt: number;
  /** Whether a device list under the pinned root key names it. */
  readonly listed: boolean;
}

/** What a new identity key of somebody does to sending: `accept` goes on, `block` waits for the user, `block-verified` waits if the one before was verified. */
export type IdentityPolicy = 'accept' | 'block-verified' | 'block';

/** The highest counter seen of one of the peer's ratchet keys. */
export interface ChainCounter {
  /** The ratchet key, base64url. */
  readonly ratchetKey: string;
  readonly highest: number;
}

/** A Double Ratchet session with one device. */
export interface SessionRecord {
  readonly userId: UserId;
  readonly deviceId: DeviceId;
  /** libsignal's serialised record. Secret. */
  readonly record: Uint8Array;
  /** The latest chains, newest last, at most eight: what the precheck measures a jump against. */
  readonly chains: readonly ChainCounter[];
}

/** `ec` and `kyber` are one-time keys; `signed` and `last-resort` are replaced from time to time. */
export type PrekeyKind = 'ec' | 'kyber' | 'signed' | 'last-resort';

/** An own prekey with its secret. */
export interface PrekeyRecord {
  readonly kind: PrekeyKind;
  /** 1 .. 2^24 - 1. `kyber` and `last-resort` share their ids, as libsignal looks up both by one id. */
  readonly id: number;
  /** libsignal's serialised record. Secret. */
  readonly record: Uint8Array;
  readonly createdAt: number;
  /** Since when the relay does not give it out any more, as far as it was seen: it has another one in its place (`signed`, `last-resort`), has given it to somebody (`ec`, `kyber`), or the identity key was replaced. */
  readonly replacedAt: number | undefined;
  /** Whether the relay has it. */
  readonly uploaded: boolean;
}

/** A use of a last-resort Kyber key: the same (key, signed prekey, base key) again is a replay. */
export interface KyberUseRecord {
  readonly kyberId: number;
  readonly signedId: number;
  readonly baseKey: Uint8Array;
  readonly usedAt: number;
}
