import { createHash } from 'node:crypto';
import { fromBase64Url, type RegistrationAnswer, type RegistrationRequest } from '@sotto/proto';
import type { Sessions } from '../auth/sessions.ts';
import { hashOfToken, readToken } from '../auth/token.ts';
import { readPrekeyUpload } from '../keys/prekey-upload.ts';
import type { AccountStore } from '../ports/account-store.ts';
import type { Clock } from '../ports/clock.ts';
import type { DeviceAddress, DeviceId, NumberMac, UserId } from '../ports/ids.ts';
import type { VerificationAttempt } from '../ports/verification-store.ts';
import { RelayError } from '../relay-error.ts';
import { readAccessKey } from './access-key.ts';
import { readFirstDeviceList } from './device-list.ts';
import { readProfile } from './profile.ts';
import type { Verifications } from './verifications.ts';

/** What `Registrations` works with. */
export interface RegistrationParts {
  readonly accounts: AccountStore;
  readonly verifications: Verifications;
  readonly sessions: Sessions;
  readonly clock: Clock;
  /** An account lost its number to a new one, and with it its devices. It never rejects. */
  readonly onReplaced: (userId: UserId) => Promise<void>;
}

/** Makes accounts. */
export class Registrations {
  readonly #parts: RegistrationParts;

  constructor(parts: RegistrationParts) {
    this.#parts = parts;
  }

  /**
   * Checks everything that can be checked without the code first, so that a malformed request costs no try; then the code; then makes the account in one step.
   *
   * The same idempotency key with the same keys and number is success again, with a new access token.
   * @throws {RelayError} as docs/protocol.md lists
   */
  async register(request: RegistrationRequest): Promise<RegistrationAnswer> {
    const { accounts, verifications, sessions, clock, onReplaced } = this.#parts;
    const userId = request.userId as UserId;
    const idempotencyKey = fromBase64Url(request.idempotencyKey);
    const refreshToken = readToken(request.refreshToken);
    if (idempotencyKey.length !== 16 || refreshToken === undefined) {
      throw new RelayError('request-malformed', 'idempotencyKey has to have 16 bytes, refreshToken 32.');
    }
    const profile = readProfile(request.profile);
    const accessKeyHash = readAccessKey(request.accessKey);
    const deviceList = readFirstDeviceList(fromBase64Url(request.deviceList), userId);
    const prekeys = readPrekeyUpload(request.prekeys, deviceList.identityKey);

    const attempt = await verifications.attempt(request.verificationId, request.code, idempotencyKey);
    if (attempt.status !== 'right') throw refusedCode(attempt);

    const device: DeviceAddress = { userId, deviceId: 1 as DeviceId };
    const outcome = await accounts.register({
      idempotencyKey,
      requestHash: hashOfRequest(request, attempt.numberMac),
      userId,
      numberMac: attempt.numberMac,
      numberCiphertext: attempt.numberCiphertext,
      deviceList,
      device,
      prekeys,
      profile,
      accessKeyHash,
      refreshTokenHash: hashOfToken(refreshToken),
      createdAt: clock.now(),
    });
    switch (outcome.status) {
      case 'user-id-taken':
        throw new RelayError('user-id-taken', 'This userId is in use: make a new random one and register again.');
      case 'idempotency-mismatch':
        throw new RelayError('idempotency-mismatch', 'This idempotencyKey was used for another registration.');
      case 'registered':
        if (outcome.replaced !== undefined) await onReplaced(outcome.replaced);
        break;
      case 'repeated':
        break;
    }
    const { token, expiresInMs } = await sessions.grant(device);
    return { userId, deviceId: 1, accessToken: token, accessExpiresInMs: expiresInMs };
  }
}

/** Over what the account is made of. The code is left out: a lost answer may be asked for again with a new one. */
function hashOfRequest(request: RegistrationRequest, number: NumberMac): Uint8Array {
  const prekey = (key: { id: number; publicKey: string; signature?: string }) => [
    key.id,
    key.publicKey,
    key.signature ?? '',
  ];
  const { signedPrekey, lastResortKyberPrekey, prekeys, kyberPrekeys } = request.prekeys;
  const parts = [
    request.userId,
    request.deviceList,
    request.refreshToken,
    request.profile,
    request.accessKey ?? '',
    prekey(signedPrekey),
    prekey(lastResortKyberPrekey),
    prekeys.map(prekey),
    kyberPrekeys.map(prekey),
  ];
  return createHash('sha256').update(number).update(JSON.stringify(parts)).digest();
}

function refusedCode(attempt: Exclude<VerificationAttempt, { status: 'right' }>): RelayError {
  switch (attempt.status) {
    case 'wrong':
      return new RelayError('code-wrong', 'The code is wrong: try again while tries are left.', {
        attemptsLeft: attempt.attemptsLeft,
      });
    case 'void':
      return new RelayError('code-void', 'This code works no more: ask for a new one.');
    case 'expired':
      return new RelayError('code-expired', 'This code came too late: ask for a new one.');
    case 'used':
      return new RelayError('code-used', 'This code was used for another registration: ask for a new one.');
    case 'unknown':
      return new RelayError('verification-unknown', 'No such verification: ask for a new code.');
  }
}
