/** What keeps a number's account from whoever only has a code: a PIN, hashed by the client, then under the relay's key. */
export interface RegistrationLock {
  /** Under which the client hashes the PIN; told to whoever has the right code. */
  readonly salt: Uint8Array;
  /** The relay's keyed hash of the secret that the client makes of the PIN. */
  readonly secretMac: Uint8Array;
}

/** What somebody brings who wants a number that may have an account. */
export interface LockAttempt {
  /** The keyed hash of their secret; `undefined` when they gave no PIN, which costs no try. */
  readonly secretMac: Uint8Array | undefined;
  readonly now: number;
  /** A lock ends when no device of its account was heard of for this long. */
  readonly idleMs: number;
}

/** A locked account that stays as it is. */
export interface LockRefusal {
  readonly salt: Uint8Array;
  /** 0 while the wait of `retryAfterMs` lasts. */
  readonly attemptsLeft: number;
  readonly retryAfterMs: number | undefined;
}
