import { timingSafeEqual } from 'node:crypto';
import type { NumberMac } from '../../ports/ids.ts';
import type {
  Verification,
  VerificationAttempt,
  VerificationGuess,
  VerificationStart,
  VerificationStore,
} from '../../ports/verification-store.ts';
import { byteKey } from './byte-key.ts';
import type { MemoryState } from './memory-state.ts';

/** Verification codes in memory. */
export class MemoryVerificationStore implements VerificationStore {
  readonly #state: MemoryState;

  constructor(state: MemoryState) {
    this.#state = state;
  }

  async start(verification: Verification, resendAfterMs: number): Promise<VerificationStart> {
    const number = byteKey(verification.numberMac);
    const earlier = [...this.#state.verifications.values()].filter(
      (record) => byteKey(record.verification.numberMac) === number,
    );
    for (const { verification: before } of earlier) {
      const age = verification.createdAt - before.createdAt;
      // A clock that was set back must not bar a number for longer than the pause itself.
      if (age < resendAfterMs)
        return { status: 'too-soon', retryAfterMs: Math.min(resendAfterMs, resendAfterMs - age) };
    }
    for (const record of earlier) record.isVoid = true;
    this.#state.verifications.set(verification.id, { verification, attempts: 0, claim: undefined, isVoid: false });
    return { status: 'started' };
  }

  async cancel(id: string): Promise<void> {
    if (this.#state.verifications.get(id)?.claim === undefined) this.#state.verifications.delete(id);
  }

  async numberOf(id: string): Promise<NumberMac | undefined> {
    return this.#state.verifications.get(id)?.verification.numberMac;
  }

  async attempt({ id, codeMac, claim, maxAttempts, now }: VerificationGuess): Promise<VerificationAttempt> {
    const record = this.#state.verifications.get(id);
    if (record === undefined) return { status: 'unknown' };
    const { numberMac, numberCiphertext, expiresAt, codeMac: expected } = record.verification;
    if (now >= expiresAt) return { status: 'expired' };
    if (record.isVoid) return { status: 'void' };
    if (record.claim !== undefined) {
      const again = record.claim === byteKey(claim) && isSameMac(expected, codeMac);
      return again ? { status: 'right', numberMac, numberCiphertext } : { status: 'used' };
    }
    if (record.attempts >= maxAttempts) return { status: 'void' };
    record.attempts++;
    if (!isSameMac(expected, codeMac)) return { status: 'wrong', attemptsLeft: maxAttempts - record.attempts };
    record.claim = byteKey(claim);
    return { status: 'right', numberMac, numberCiphertext };
  }

  async sweep(now: number): Promise<number> {
    let swept = 0;
    for (const [id, { verification }] of this.#state.verifications) {
      if (verification.expiresAt < now && this.#state.verifications.delete(id)) swept++;
    }
    return swept;
  }
}

/** Compares two MACs in constant time. */
export function isSameMac(expected: Uint8Array, given: Uint8Array): boolean {
  return expected.length === given.length && timingSafeEqual(expected, given);
}
