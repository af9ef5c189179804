import {
  fromBase64Url,
  type RecoveryAnswer,
  type RecoveryRequest,
  signedBytesOfRecovery,
  toBase64Url,
} from '@sotto/proto';
import { readEcKey, signedBy } from '../keys/public-key.ts';
import type { AccountStore } from '../ports/account-store.ts';
import { RelayError } from '../relay-error.ts';
import { refusedCode } from './refused-code.ts';
import type { Verifications } from './verifications.ts';

/** Tells who has lost all devices, but not the recovery key, which account is theirs. */
export class Recoveries {
  readonly #accounts: AccountStore;
  readonly #verifications: Verifications;

  constructor(parts: { readonly accounts: AccountStore; readonly verifications: Verifications }) {
    this.#accounts = parts.accounts;
    this.#verifications = parts.verifications;
  }

  /**
   * The account of the verified number, if the root key is its own. The signature is checked first, which costs no try at the code; without the right code nothing of the account is told.
   *
   * The code is claimed for the idempotency key, so that the registration that follows may use it again.
   * @throws {RelayError} `signature-invalid`, `key-malformed`, `recovery-key-wrong`, and those of a code
   */
  async find(request: RecoveryRequest): Promise<RecoveryAnswer> {
    const { verificationId, code } = request;
    const idempotencyKey = fromBase64Url(request.idempotencyKey);
    const rootKey = fromBase64Url(request.rootKey);
    const signature = fromBase64Url(request.signature);
    if (!signedBy(readEcKey(rootKey), signedBytesOfRecovery(verificationId, idempotencyKey), signature)) {
      throw new RelayError('signature-invalid', 'The request is not signed by the root key that it names.');
    }
    const attempt = await this.#verifications.attempt(verificationId, code, idempotencyKey);
    if (attempt.status !== 'right') throw refusedCode(attempt);
    const [userId] = await this.#accounts.byNumbers([attempt.numberMac]);
    const list = userId && (await this.#accounts.deviceList(userId));
    if (userId === undefined || list === undefined || Buffer.compare(list.rootKey, rootKey) !== 0) {
      throw wrongRecoveryKey();
    }
    return { userId, deviceList: toBase64Url(list.signed) };
  }
}

/** Also when the number has no account: which one is not told. */
export function wrongRecoveryKey(): RelayError {
  return new RelayError(
    'recovery-key-wrong',
    'This is not the recovery key of the account that has this number: type it again, or register without it.',
  );
}
