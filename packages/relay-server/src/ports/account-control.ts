import type { NumberMac, UserId } from './ids.ts';
import type { LockAttempt, LockRefusal, RegistrationLock } from './registration-lock.ts';

/** What an account's owner may ask of it. */
export interface AccountStanding {
  readonly numberCiphertext: Uint8Array;
  readonly isLocked: boolean;
}

/** An account that is to have another number. */
export interface NumberMove {
  readonly userId: UserId;
  readonly numberMac: NumberMac;
  readonly numberCiphertext: Uint8Array;
  /** For the account that has the number now, if there is one. */
  readonly lock: LockAttempt;
}

/** `moved`: the number is the account's, or was already; `replaced` names the account that had it before and has ended. `locked`: it has a lock that the attempt did not open; nothing changed but its tries. */
export type MoveOutcome =
  | { readonly status: 'moved'; readonly replaced: UserId | undefined }
  | { readonly status: 'locked'; readonly refusal: LockRefusal }
  | { readonly status: 'unknown' };

/** What owners do with their accounts as a whole. Each call is atomic. */
export interface AccountControl {
  standing(userId: UserId): Promise<AccountStanding | undefined>;
  /** Sets the registration lock, with all its tries, or removes it. */
  putLock(userId: UserId, lock: RegistrationLock | undefined, now: number): Promise<'stored' | 'unknown'>;
  moveNumber(move: NumberMove): Promise<MoveOutcome>;
  /**
   * Ends an account: number, devices with their tokens, prekeys and mail, lists, profile, lock and codes of its number are gone, and its user id is never given out again.
   *
   * What it sent to others stays with them, and so does what is recorded of their sends.
   */
  end(userId: UserId): Promise<'ended' | 'unknown'>;
}
