import type { DeviceAddress } from './ids.ts';
import type { MailDevice } from './mailbox.ts';

/** What a valid access token stands for. */
export interface Session {
  readonly device: DeviceAddress;
  /** Which of all devices that ever have its address; left out by a store that nobody else changes. */
  readonly incarnation?: string;
  readonly expiresAt: number;
}

/** A step of the refresh chain. All values are SHA-256 hashes of tokens. */
export interface TokenRotation {
  readonly refresh: Uint8Array;
  readonly next: Uint8Array;
  readonly access: Uint8Array;
  readonly accessExpiresAt: number;
  readonly now: number;
}

/** Why the tokens of a device have ended: it was taken off its account's list, the number was registered or taken anew, or the account was deleted by its owner. */
export type TokenEnd = 'revoked' | 'replaced' | 'deleted';

/**
 * `ended`: it was the current refresh token of a device that is gone, not longer than 60 days ago; `reason` says why.
 * `repeated`: this very pair had been carried out, and `next` is still the current one.
 * `reused`: a refresh token that had been replaced came back with another successor: theft; all tokens of the device are ended.
 * `unknown`: no such refresh token; or a pair of long ago, which an old backup would hold; or a `next` that is not new. Nothing changes.
 */
export type RotationOutcome =
  | { readonly status: 'rotated' | 'repeated' | 'reused'; readonly device: DeviceAddress }
  | { readonly status: 'ended'; readonly reason: TokenEnd }
  | { readonly status: 'unknown' };

/** Tokens of devices, hashed at rest. One family of refresh tokens a device. */
export interface TokenStore {
  /** Adds an access token to a device, beside its refresh family (at registration). A device without one (it was replaced meanwhile) gets nothing. */
  grant(device: DeviceAddress, access: Uint8Array, expiresAt: number): Promise<void>;
  /** The session of an access token, if it is known and `now` is before its end. */
  session(access: Uint8Array, now: number): Promise<Session | undefined>;
  /** Atomic. (refresh, next) as before: `repeated`, and the new access token is valid too. */
  rotate(rotation: TokenRotation): Promise<RotationOutcome>;
  /** Whether a device has a session: it has not left its account's list, and its tokens have not ended. With an incarnation, of that device alone. */
  hasSession(device: MailDevice): Promise<boolean>;
  /** Ends all tokens of a device. */
  revoke(device: DeviceAddress): Promise<void>;
  /** Deletes access tokens that ended before `now`, and forgets refresh tokens replaced 60 days before, and those of devices that are gone 60 days after the first sweep that finds them; gives how many access tokens went. */
  sweep(now: number): Promise<number>;
}
