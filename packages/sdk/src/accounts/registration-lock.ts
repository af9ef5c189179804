import { toBase64Url } from '@sotto/proto';
import { checkOptions, signalOnly } from '../option-rules.ts';
import type { AccountRecord } from '../ports/account-record.ts';
import type { Sha256 } from '../ports/hash.ts';
import type { Randomness } from '../ports/randomness.ts';
import { requestAccount, requestLock } from '../transport/account-calls.ts';
import type { AuthorizedClient, CallOptions } from '../transport/http-client.ts';
import { proofOf } from './account-proof.ts';
import { lockSecretOf } from './pin.ts';
import { rootSecretOf } from './standing.ts';

const saltBytes = 32;

/** A PIN without which nobody takes this account's number over, even with the code that was sent to it. The recovery key opens it too. */
export class RegistrationLock {
  readonly #http: AuthorizedClient;
  readonly #account: () => AccountRecord;
  readonly #randomness: Randomness;
  readonly #sha256: Sha256;
  readonly #assertRunning: () => void;

  constructor(parts: {
    readonly http: AuthorizedClient;
    readonly account: () => AccountRecord;
    readonly randomness: Randomness;
    readonly sha256: Sha256;
    /** @throws {SottoError} `client-stopped` */
    readonly assertRunning: () => void;
  }) {
    this.#http = parts.http;
    this.#account = parts.account;
    this.#randomness = parts.randomness;
    this.#sha256 = parts.sha256;
    this.#assertRunning = parts.assertRunning;
  }

  /**
   * Sets the PIN, in place of one that was set before. It is hashed on this device, and takes it a moment.
   *
   * The lock holds for as long as a device of the account is heard of, and 30 days after that by the relay's default.
   * @param pin 4 to 128 characters, not digits alone: whoever runs the relay could try out a short one
   * @throws {SottoError} `pin-invalid`, `primary-only`, `not-registered`, `session-ended`, and as AuthorizedClient
   */
  async set(pin: string, options: CallOptions = {}): Promise<void> {
    this.#assertRunning();
    checkOptions('registrationLock.set', options, signalOnly);
    const salt = this.#randomness.bytes(saltBytes);
    const secret = lockSecretOf(pin, salt);
    const proof = this.#proof(new Uint8Array([...salt, ...secret]));
    await requestLock(this.#http, { proof, lock: { salt: toBase64Url(salt), secret: toBase64Url(secret) } }, options);
  }

  /**
   * Removes the lock. Harmless when there is none.
   * @throws {SottoError} `primary-only`, `not-registered`, `session-ended`, and as AuthorizedClient
   */
  async remove(options: CallOptions = {}): Promise<void> {
    this.#assertRunning();
    checkOptions('registrationLock.remove', options, signalOnly);
    await requestLock(this.#http, { proof: this.#proof(new Uint8Array()) }, options);
  }

  /**
   * Whether the relay has a lock for this account.
   * @throws {SottoError} as AuthorizedClient
   */
  async isSet(options: CallOptions = {}): Promise<boolean> {
    this.#assertRunning();
    checkOptions('registrationLock.isSet', options, signalOnly);
    const { locked } = await requestAccount(this.#http, options);
    return locked;
  }

  #proof(subject: Uint8Array): string {
    const account = this.#account();
    rootSecretOf(account);
    return proofOf(account, 'lock', subject, this.#sha256);
  }
}
