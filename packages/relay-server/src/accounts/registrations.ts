import { createHash } from 'node:crypto';
import {
  fromBase64Url,
  type RegistrationAnswer,
  type RegistrationRequest,
  signedBytesOfReRegistration,
} from '@sotto/proto';
import type { Sessions } from '../auth/sessions.ts';
import { hashOfToken, readToken } from '../auth/token.ts';
import { readPrekeyUpload } from '../keys/prekey-upload.ts';
import { readEcKey, signedBy } from '../keys/public-key.ts';
import type { AccountStore } from '../ports/account-store.ts';
import type { Clock } from '../ports/clock.ts';
import type { DeviceAddress, DeviceId, NumberMac, UserId } from '../ports/ids.ts';
import { RelayError } from '../relay-error.ts';
import { readAccessKey } from './access-key.ts';
import { type CheckedDeviceList, checkFollows, readFirstDeviceList, readRecoveredDeviceList } from './device-list.ts';
import { lockedAccount, readLockAttempt } from './lock-secret.ts';
import { outdatedList } from './outdated-list.ts';
import { readProfile } from './profile.ts';
import { wrongRecoveryKey } from './recoveries.ts';
import { refusedCode } from './refused-code.ts';
import type { RelayKey } from './relay-key.ts';
import type { Verifications } from './verifications.ts';

/** What `Registrations` works with. */
export interface RegistrationParts {
  readonly accounts: AccountStore;
  readonly verifications: Verifications;
  readonly sessions: Sessions;
  readonly key: RelayKey;
  readonly clock: Clock;
  /** A registration lock ends when its account was silent for this long. */
  readonly lockIdleMs: number;
  /** An account lost its devices: its number went to a new one, or its owner registered it anew. It never rejects. */
  readonly onReplaced: (userId: UserId) => Promise<void>;
  /** Takes the picture of an account away that has no device yet. It never rejects. */
  readonly forgetAvatar: (userId: UserId) => Promise<void>;
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
    const { accounts, verifications, sessions, key, clock, lockIdleMs, onReplaced, forgetAvatar } = this.#parts;
    const userId = request.userId as UserId;
    const idempotencyKey = fromBase64Url(request.idempotencyKey);
    const refreshToken = readToken(request.refreshToken);
    if (idempotencyKey.length !== 16 || refreshToken === undefined) {
      throw new RelayError('request-malformed', 'idempotencyKey has to have 16 bytes, refreshToken 32.');
    }
    const profile = readProfile(request.profile);
    const accessKeyHash = readAccessKey(request.accessKey);
    const signed = fromBase64Url(request.deviceList);
    const recovered = request.recovery === undefined ? undefined : readRecoveredDeviceList(signed, userId);
    const deviceList = recovered?.stored ?? readFirstDeviceList(signed, userId);
    if (request.recovery !== undefined) {
      const message = signedBytesOfReRegistration(idempotencyKey, refreshToken, signed);
      if (!signedBy(readEcKey(deviceList.rootKey), message, fromBase64Url(request.recovery))) {
        throw new RelayError('signature-invalid', 'recovery is not signed by the root key of the list.');
      }
    }
    const prekeys = readPrekeyUpload(request.prekeys, deviceList.identityKey);
    const lock = readLockAttempt(request.lockSecret, { key, now: clock.now(), idleMs: lockIdleMs });

    const attempt = await verifications.attempt(request.verificationId, request.code, idempotencyKey);
    if (attempt.status !== 'right') throw refusedCode(attempt);
    if (recovered !== undefined) await this.#checkRecovery(userId, recovered);

    const [first] = deviceList.devices;
    const device: DeviceAddress = { userId, deviceId: (first?.deviceId ?? 1) as DeviceId };
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
      lock,
      recovers: recovered !== undefined,
    });
    switch (outcome.status) {
      case 'user-id-taken':
        throw new RelayError('user-id-taken', 'This userId is in use: make a new random one and register again.');
      case 'idempotency-mismatch':
        throw new RelayError('idempotency-mismatch', 'This idempotencyKey was used for another registration.');
      case 'locked':
        throw lockedAccount(outcome.refusal);
      case 'recovery-refused':
        throw wrongRecoveryKey();
      case 'recovery-outdated':
        throw outdatedList(await accounts.deviceList(userId));
      case 'registered':
        if (outcome.replaced !== undefined) await onReplaced(outcome.replaced);
        break;
      case 'recovered':
        await onReplaced(userId);
        break;
      case 'repeated':
        // The relay may have stopped after the recovery, with the picture of before still there.
        if (recovered !== undefined) await forgetAvatar(userId);
        break;
    }
    const { token, expiresInMs } = await sessions.grant(device);
    return { userId, deviceId: device.deviceId, accessToken: token, accessExpiresInMs: expiresInMs };
  }

  /** The list follows the account's, under its root key; or it is the account's already, after a lost answer. */
  async #checkRecovery(userId: UserId, recovered: CheckedDeviceList): Promise<void> {
    const before = await this.#parts.accounts.deviceList(userId);
    if (before === undefined || Buffer.compare(before.rootKey, recovered.stored.rootKey) !== 0) {
      throw wrongRecoveryKey();
    }
    if (Buffer.compare(before.signed, recovered.stored.signed) === 0) return;
    if (before.version !== recovered.stored.version - 1) throw outdatedList(before);
    checkFollows(before, recovered, userId);
  }
}

/** Over what the account is made of. The code and the PIN's secret are left out: a lost answer may be asked for again with a new one. */
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
    request.recovery ?? '',
    prekey(signedPrekey),
    prekey(lastResortKyberPrekey),
    prekeys.map(prekey),
    kyberPrekeys.map(prekey),
  ];
  return createHash('sha256').update(number).update(JSON.stringify(parts)).digest();
}
