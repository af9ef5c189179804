import { randomUuid } from '../auth/random-uuid.ts';
import type { CodesConfig } from '../config/relay-config.ts';
import type { Limits } from '../limits/limits.ts';
import type { RelayCounts } from '../metrics/relay-counts.ts';
import type { ChallengeCheck, ChallengeRequest } from '../ports/challenge-check.ts';
import type { Clock } from '../ports/clock.ts';
import type { CodeSender } from '../ports/code-sender.ts';
import type { NumberMac } from '../ports/ids.ts';
import type { Logger } from '../ports/logger.ts';
import type { Randomness } from '../ports/randomness.ts';
import type { Timers } from '../ports/timers.ts';
import type { VerificationAttempt, VerificationStore } from '../ports/verification-store.ts';
import { RelayError } from '../relay-error.ts';
import { CodeBreaker } from './code-breaker.ts';
import { type CountryRules, readRegistrableNumber } from './phone-number.ts';
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
  readonly countries: CountryRules;
  readonly counts: RelayCounts;
  /** Asked before each code; `undefined` = there is none. */
  readonly challengeCheck: ChallengeCheck | undefined;
}

/** Somebody wants a code. */
export interface CodeRequest {
  readonly number: string;
  /** What the client is counted by; `undefined` when it has no address. */
  readonly network: string | undefined;
  /** Its answer to a challenge. */
  readonly challenge: string | undefined;
}

/** Proves that somebody holds a phone number, by a code that is sent to it. */
export class Verifications {
  readonly #parts: VerificationParts;
  readonly #breaker: CodeBreaker;

  constructor(parts: VerificationParts) {
    this.#parts = parts;
    this.#breaker = new CodeBreaker({ ...parts, breakerMs: parts.codes.breakerMs });
  }

  /**
   * Sends a new code to a number and voids the one before; gives the verification's id.
   *
   * When the sender fails, the code is taken back, so that the number may ask again at once.
   * Nothing of it depends on whether the number has an account, which is not looked up.
   * @throws {RelayError} `number-invalid`, `number-barred`, `challenge-required`, `rate-limited`, `code-sender-unavailable`
   */
  async start(request: CodeRequest): Promise<string> {
    const { store, key, clock, randomness, codes, countries } = this.#parts;
    const { number, country } = readRegistrableNumber(request.number, countries);
    const numberMac = key.macOfNumber(number);
    await this.#takeCode(number, numberMac, request.network);
    await this.#challenge({ answer: request.challenge, network: request.network, country });
    await this.#limited(() => this.#breaker.take());
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

  /**
   * Counts a try and says what it was worth; a right code belongs to `claim` from then on.
   * @throws {RelayError} `rate-limited` when too many codes of this number were tried
   */
  async attempt(id: string, code: string, claim: Uint8Array): Promise<VerificationAttempt> {
    const { store, key, limits, clock, codes } = this.#parts;
    const number = await store.numberOf(id);
    if (number !== undefined) await limits.takeGuess(number);
    return store.attempt({
      id,
      codeMac: key.macOfCode(id, code),
      claim,
      maxAttempts: codes.maxAttempts,
      now: clock.now(),
    });
  }

  async #takeCode(number: string, numberMac: NumberMac, network: string | undefined): Promise<void> {
    const { key, limits, codes } = this.#parts;
    const prefix = key.macOfNumber(number.slice(0, -codes.prefixDigits));
    await this.#limited(async () => {
      this.#breaker.check();
      await limits.takeCode({ number: numberMac, prefix, network });
    });
  }

  async #limited(take: () => Promise<void>): Promise<void> {
    try {
      await take();
    } catch (error) {
      if (error instanceof RelayError && error.code === 'rate-limited') this.#parts.counts.codesLimited.add(1);
      throw error;
    }
  }

  async #challenge(request: ChallengeRequest): Promise<void> {
    const { challengeCheck } = this.#parts;
    if (challengeCheck === undefined) return;
    const verdict = await this.#withTimeout((signal) => challengeCheck.check(request, { signal }));
    if (verdict === 'passed') return;
    throw new RelayError('challenge-required', 'Solve a challenge of this relay, then ask again with the answer.');
  }

  #send(message: { number: string; code: string; expiresAt: number }): Promise<void> {
    return this.#withTimeout((signal) => this.#parts.sender.send(message, { signal }));
  }

  async #withTimeout<Result>(ask: (signal: AbortSignal) => Promise<Result>): Promise<Result> {
    const { timers, codes } = this.#parts;
    const timeout = new AbortController();
    const cancel = timers.after(codes.timeoutMs, () =>
      timeout.abort(
        new RelayError('code-sender-unavailable', 'What a code needs took too long: ask again.', { retryable: true }),
      ),
    );
    try {
      return await ask(timeout.signal);
    } finally {
      cancel();
    }
  }
}
