import { timingSafeEqual } from 'node:crypto';
import type { LockAttempt, LockRefusal, RegistrationLock } from '../ports/registration-lock.ts';

const minute = 60_000;
/** Tries before the first wait. */
const freeTries = 5;
/** After the fifth wrong try, and after each one that is allowed then. */
const waits = [minute, 5 * minute, 60 * minute, 24 * 60 * minute] as const;
const longestWait = waits[3];

/** A lock as it is kept, with its wrong tries. */
export interface KeptLock extends RegistrationLock {
  readonly tries: number;
  /** No try counts before this time. */
  readonly waitUntil: number;
}

/** What an attempt comes to; `tries` and `waitUntil` are to be kept when they are there. */
export type LockVerdict =
  | { readonly status: 'open' }
  | {
      readonly status: 'locked';
      readonly refusal: LockRefusal;
      readonly next?: { readonly tries: number; readonly waitUntil: number };
    };

/**
 * Judges an attempt at a locked account. While a wait lasts nothing is compared, and nothing counts.
 * @param heardAt when a device of the account was heard of last
 */
export function lockVerdict(lock: KeptLock | undefined, heardAt: number, attempt: LockAttempt): LockVerdict {
  if (lock === undefined || attempt.now - heardAt >= attempt.idleMs) return { status: 'open' };
  const { salt, tries } = lock;
  // A clock that was set back must not lock for longer than the longest wait.
  const wait = Math.min(lock.waitUntil - attempt.now, longestWait);
  if (wait > 0) return { status: 'locked', refusal: { salt, attemptsLeft: 0, retryAfterMs: wait } };
  if (attempt.secretMac === undefined) {
    return { status: 'locked', refusal: { salt, attemptsLeft: left(tries), retryAfterMs: undefined } };
  }
  const { secretMac } = lock;
  if (secretMac.length === attempt.secretMac.length && timingSafeEqual(secretMac, attempt.secretMac)) {
    return { status: 'open' };
  }
  const next = tries + 1;
  const pause = next < freeTries ? 0 : (waits[next - freeTries] ?? longestWait);
  return {
    status: 'locked',
    refusal: { salt, attemptsLeft: pause === 0 ? left(next) : 0, retryAfterMs: pause === 0 ? undefined : pause },
    next: { tries: next, waitUntil: pause === 0 ? 0 : attempt.now + pause },
  };
}

/** After the first wait each try is the only one. */
function left(tries: number): number {
  return Math.max(freeTries - tries, 1);
}
