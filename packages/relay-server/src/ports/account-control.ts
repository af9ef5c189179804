import type { NumberMac, UserId } from './ids.ts';
import type { LockAttempt, LockRefusal, RegistrationLock } from './registration-lock.ts';

/** What an account's owner may ask of it. */
export interface AccountStanding {
  readonly numberCiphertext: Uint8Array;
  readonly isLocked: boolean;
}

/** Who asks, and over which device list: an owner's proof is worth something for the list that it was checked against, and for no other. */
export interface ProvenOwner {
  readonly userId: UserId;
  /** SHA-256 of that list. When the account has another one by the time of the write, the outcome is `changed`, and nothing has. */
  readonly listHash: Uint8Array;
}

/** A registration lock that is to be set or removed. */
export interface LockChange extends ProvenOwner {
  /** `undefined` removes it. */
  readonly lock: RegistrationLock | undefined;
  readonly now: number;
}

/** An account that is to have another number. */
export interface NumberMove extends ProvenOwner {
  readonly numberMac: NumberMac;
  readonly numberCiphertext: Uint8Array;
  /** For the account that has the number now, if there is one. */
  readonly lock: LockAttempt;
}

/** `moved`: the number is the account's, or was already; `replaced` names the account that had it before and has ended. `locked`: it has a lock that the attempt did not open; nothing changed but its tries. `changed`: the mover's list has; no try was counted. */
export type MoveOutcome =
  | { readonly status: 'moved'; readonly replaced: UserId | undefined }
  | { readonly status: 'locked'; readonly refusal: LockRefusal }
  | { readonly status: 'changed' }
  | { readonly status: 'unknown' };

/** The end of an account, as its owner wants it. */
export interface AccountEnding extends ProvenOwner {
  /** 32 bytes that only who asked for this ending can name again: kept for ever, beside nothing that leads to the account. */
  readonly receipt: Uint8Array;
  readonly now: number;
}

/** An account that has ended while its blobs may still be there. */
export interface AccountRemains {
  readonly userId: UserId;
  readonly endedAt: number;
}

/** What owners do with their accounts as a whole. Each call is atomic. */
export interface AccountControl {
  standing(userId: UserId): Promise<AccountStanding | undefined>;
  /** Sets the registration lock, with all its tries, or removes it. */
  putLock(change: LockChange): Promise<'stored' | 'changed' | 'unknown'>;
  moveNumber(move: NumberMove): Promise<MoveOutcome>;
  /**
   * Ends an account: number, devices with their tokens, prekeys and mail, lists, profile, lock and codes of its number are gone, it is in no group any more, and its user id is never given out again.
   *
   * What it sent to others stays with them, and so does what is recorded of their sends.
   */
  end(ending: AccountEnding): Promise<'ended' | 'changed' | 'unknown'>;
  /** Whether an account was ended with this receipt: which one is not told. */
  hasEnded(receipt: Uint8Array): Promise<boolean>;
  /** The oldest 256 accounts at most that have ended in any way (by their owner, by a registration or by another account that took the number) and were not swept: written down in the same step as their end, since blobs are no part of it. */
  remains(): Promise<readonly AccountRemains[]>;
  /** Forgets these, whose blobs are gone and can't come back. */
  swept(userIds: readonly UserId[]): Promise<void>;
}
