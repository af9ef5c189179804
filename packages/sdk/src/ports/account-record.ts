import type { SessionEnd } from '../sotto-error.ts';
import type { DeviceId, UserId } from './ids.ts';

/** An identity key pair that another one has taken the place of: what was made for it before can still come. */
export interface FormerIdentity {
  /** libsignal's serialised form, 69 bytes. Secret. */
  readonly identityKeyPair: Uint8Array;
  readonly replacedAt: number;
}

/** Who this device is, with its secrets. One a store. */
export interface AccountRecord {
  readonly userId: UserId;
  readonly deviceId: DeviceId;
  /** E.164. */
  readonly number: string;
  readonly username: string;
  readonly registrationId: number;
  /** The account's identity key pair, libsignal's serialised form. Secret. */
  readonly identityKeyPair: Uint8Array;
  /** Those before it, newest first: at most eight, for 31 days, none of an account that has ended. */
  readonly formerIdentities: readonly FormerIdentity[];
  /** The private key to this device's `device_key`, 32 bytes: proves later what only this device may say. Secret. */
  readonly devicePrivateKey: Uint8Array;
  /** 32 bytes, from which the root key is made: the recovery key. Only the primary device has it. Secret. */
  readonly rootSecret: Uint8Array | undefined;
  /** An encoded SignedDeviceList. */
  readonly deviceList: Uint8Array;
  /** 32 bytes. Secret. */
  readonly profileKey: Uint8Array;
  /** The profile key that is to take its place: committed before the relay is told of it. 32 bytes. Secret. */
  readonly nextProfileKey: Uint8Array | undefined;
  /** 32 bytes. Secret. */
  readonly refreshToken: Uint8Array;
  /** Committed before a refresh is asked for, so that a crash can't lose the chain. Secret. */
  readonly nextRefreshToken: Uint8Array | undefined;
  /** Secret. */
  readonly accessToken: string;
  /** By this device's clock. */
  readonly accessExpiresAt: number;
  readonly createdAt: number;
  /** A device that was linked does not know whom its user accepts before the primary device has said so. */
  readonly hasSnapshot: boolean;
  /** Set once the relay ended the session: register again. */
  readonly ended: boolean;
  /** Why, once it has ended and where that is known. */
  readonly endReason: SessionEnd | undefined;
  /** The owner wants the account to end: the proof that the relay is asked with, from before the first time until it has answered. Secret. */
  readonly deletion: Uint8Array | undefined;
}

/** A registration under way: committed before it is asked for, so that it can be asked again after a crash. One a store. */
export interface RegistrationRecord {
  /** E.164. */
  readonly number: string;
  readonly verificationId: string;
  /** By this device's clock. */
  readonly expiresAt: number;
  /** The account as it will be, once a code was given. */
  readonly account: AccountRecord | undefined;
  /** The JSON body of the request, once a code was given. Secret. */
  readonly request: string | undefined;
}
