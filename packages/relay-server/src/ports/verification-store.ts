import type { NumberMac } from './ids.ts';

/** A code that was sent to a number and waits for its answer. */
export interface Verification {
  /** UUID. */
  readonly id: string;
  readonly numberMac: NumberMac;
  /** The number under the relay's key, for the account that may come of it. */
  readonly numberCiphertext: Uint8Array;
  /** HMAC-SHA-256 of (id, code): the code itself is never stored. */
  readonly codeMac: Uint8Array;
  readonly createdAt: number;
  readonly expiresAt: number;
}

/** What `start` answers. */
export type VerificationStart =
  | { readonly status: 'started' }
  | { readonly status: 'too-soon'; readonly retryAfterMs: number };

/** One try at a code. */
export interface VerificationGuess {
  readonly id: string;
  readonly codeMac: Uint8Array;
  /** The idempotency key of the registration that a right code is for. */
  readonly claim: Uint8Array;
  readonly maxAttempts: number;
  readonly now: number;
}

/**
 * What `attempt` answers. The last try that is allowed answers `wrong` with none left; any later one, right or not, `void`.
 * `void` = too many wrong codes, or replaced by a newer one; `unknown` also covers what was swept.
 */
export type VerificationAttempt =
  | { readonly status: 'right'; readonly numberMac: NumberMac; readonly numberCiphertext: Uint8Array }
  | { readonly status: 'wrong'; readonly attemptsLeft: number }
  | { readonly status: 'void' | 'expired' | 'used' | 'unknown' };

/**
 * Codes by number: one live code a number, five tries each.
 *
 * `attempt` counts the try before it compares, in one atomic step, so that parallel guesses still count. The comparison takes constant time.
 * A right code is claimed for `claim` (the idempotency key of a registration): the same claim with the same code is right again until it expires, any other is `used`.
 */
export interface VerificationStore {
  /** Stores it and voids the number's earlier code, unless that one was made less than `resendAfterMs` ago. */
  start(verification: Verification, resendAfterMs: number): Promise<VerificationStart>;
  /** Takes back a code that could not be sent, so that the number may ask again at once; a code that was claimed stays. */
  cancel(id: string): Promise<void>;
  /** Whose number a code was sent to, if it is known here (still). */
  numberOf(id: string): Promise<NumberMac | undefined>;
  attempt(guess: VerificationGuess): Promise<VerificationAttempt>;
  /** Deletes what expired before `now`; gives how many. */
  sweep(now: number): Promise<number>;
}
