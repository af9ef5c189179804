import { randomUuid } from '../auth/random-uuid.ts';
import type { CodesConfig } from '../config/relay-config.ts';
import type { Limits } from '../limits/limits.ts';
import type { Clock } from '../ports/clock.ts';
import type { CodeSender } from '../ports/code-sender.ts';
import type { Logger } from '../ports/logger.ts';
import type { Randomness } from '../ports/randomness.ts';
import type { Timers } from '../ports/timers.ts';
import type { VerificationAttempt, VerificationStore } from '../ports/verification-store.ts';
import { RelayError } from '../relay-error.ts';
import { readRegistrableNumber } from './phone-number.ts';
import type { RelayKey } from './relay-key.ts';
import { drawCode } from './verification-code.ts';

/** What `Verifications` works with. */
export interface VerificationParts {
  readonly store: VerificationStore;
  readonly sender: CodeSender;
  readonly key: RelayKey;
  readonly limits: Limits;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly randomness: Randomness;
  readonly logger: Logger;
  readonly codes: CodesConfig;
  readonly barredCountries: readonly string[];
}

/** Proves that somebody holds a phone number, by a code that is sent to it. */
export class Verifications {
  readonly #parts: VerificationParts;

  constructor(parts: VerificationParts) {
    this.#parts = parts;
  }

  /**
   * Sends a new code to a number and voids the one before; gives the verification's id.
   *
   * When the sender fails, the code is taken back, so that the number may ask again at once.
   * @throws {RelayError} `number-invalid`, `number-barred`, `rate-limited`, `code-sender-unavailable`
   */
  async start(numberText: string, address: string): Promise<string> {
    const { store, key, limits, clock, randomness, codes, barredCountries } = this.#parts;
    const number = readRegistrableNumber(numberText, barredCountries);
    const numberMac = key.macOfNumber(number);
    await limits.takeCode(numberMac, address);
    const id = randomUuid(randomness);
    const code = drawCode(randomness);
    const now = clock.now();
    const expiresAt = now + codes.ttlMs;
    const started = await store.start(
      {
        id,
        numberMac,
        numberCiphertext: key.encryptNumber(number),
        codeMac: key.macOfCode(id, code),
        createdAt: now,
        expiresAt,
      },
      codes.resendAfterMs,
    );
    if (started.status === 'too-soon') {
      throw new RelayError('rate-limited', 'A code was sent to this number just now: wait before asking for another.', {
        retryable: true,
        retryAfterMs: started.retryAfterMs,
      });
    }
    try {
      await this.#send({ number, code, expiresAt });
    } catch (cause) {
      await store.cancel(id);
      this.#parts.logger.warn('code.send-failed', { code: cause instanceof RelayError ? cause.code : 'internal' });
      throw new RelayError('code-sender-unavailable', 'The code could not be sent: try again in a minute.', {
        retryable: true,
        retryAfterMs: 60_000,
        cause,
      });
    }
    return id;
  }

  /** Counts a try and says what it was worth; a right code belongs to `claim` from then on. */
  attempt(id: string, code: string, claim: Uint8Array): Promise<VerificationAttempt> {
    const { store, key, clock, codes } = this.#parts;
    return store.attempt({
      id,
      codeMac: key.macOfCode(id, code),
      claim,
      maxAttempts: codes.maxAttempts,
      now: clock.now(),
    });
  }

  async #send(message: { number: string; code: string; expiresAt: number }): Promise<void> {
    const { sender, timers, codes } = this.#parts;
    const timeout = new AbortController();
    const cancel = timers.after(codes.timeoutMs, () =>
      timeout.abort(new RelayError('code-sender-unavailable', 'The code sender took too long.', { retryable: true })),
    );
    try {
      await sender.send(message, { signal: timeout.signal });
    } finally {
      cancel();
    }
  }
}
