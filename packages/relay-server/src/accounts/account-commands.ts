import { createHash } from 'node:crypto';
import {
  type AccountAnswer,
  type AccountPurpose,
  DeviceList,
  fromBase64Url,
  type LockRequest,
  type NumberRequest,
  SignedDeviceList,
  signedBytesOfAccountProof,
} from '@sotto/proto';
import { invalidToken } from '../auth/bearer.ts';
import { readEcKey, signedBy } from '../keys/public-key.ts';
import type { AccountControl } from '../ports/account-control.ts';
import type { Clock } from '../ports/clock.ts';
import type { DeviceAddress, UserId } from '../ports/ids.ts';
import { RelayError } from '../relay-error.ts';
import { type Directory, unknownUser } from './directory.ts';
import { lockedAccount, readLockAttempt, readLockBytes } from './lock-secret.ts';
import { refusedCode } from './refused-code.ts';
import type { RelayKey } from './relay-key.ts';
import type { Verifications } from './verifications.ts';

/** What `AccountCommands` works with. */
export interface AccountCommandParts {
  readonly control: AccountControl;
  readonly directory: Directory;
  readonly verifications: Verifications;
  readonly key: RelayKey;
  readonly clock: Clock;
  readonly lockIdleMs: number;
  /** An account has ended. It never rejects. */
  readonly onEnded: (userId: UserId) => Promise<void>;
}

const nothing = new Uint8Array();

/**
 * What an account's owner does with it as a whole: an access token alone is not enough, the primary device (or the root key) has to sign.
 */
export class AccountCommands {
  readonly #parts: AccountCommandParts;

  constructor(parts: AccountCommandParts) {
    this.#parts = parts;
  }

  /** @throws {RelayError} `user-unknown` */
  async describe({ userId, deviceId }: DeviceAddress): Promise<AccountAnswer> {
    const { control, key } = this.#parts;
    const standing = await control.standing(userId);
    if (standing === undefined) throw unknownUser();
    const { numberCiphertext, isLocked } = standing;
    return { userId, deviceId, number: key.decryptNumber(numberCiphertext), locked: isLocked };
  }

  /**
   * Ends the account with all that it has. The same proof again is success, also from a device whose token ended with the account: its first answer may have been lost. Any other proof without a device is as a token that was never given.
   * @throws {RelayError} `proof-invalid`, `user-unknown`, `token-invalid`
   */
  async delete(device: DeviceAddress | undefined, proof: string): Promise<void> {
    const { control, clock, onEnded } = this.#parts;
    const receipt = receiptOfDeletion(proof);
    if (await control.hasEnded(receipt)) return;
    if (device === undefined) throw invalidToken();
    const { userId } = device;
    const listHash = await this.#checkProof(device, 'delete', nothing, proof);
    const outcome = await control.end({ userId, listHash, receipt, now: clock.now() });
    if (outcome === 'changed') throw invalidProof();
    if (outcome === 'unknown' && !(await control.hasEnded(receipt))) throw unknownUser();
    await onEnded(userId);
  }

  /**
   * Gives the account another number, whose code is claimed for it: the same again is success.
   * @throws {RelayError} `proof-invalid`, `user-unknown`, `registration-locked`, and those of a code
   */
  async moveNumber(device: DeviceAddress, request: NumberRequest): Promise<void> {
    const { control, verifications, key, clock, lockIdleMs, onEnded } = this.#parts;
    const { userId } = device;
    const { verificationId, code } = request;
    const listHash = await this.#checkProof(device, 'number', Buffer.from(verificationId), request.proof);
    const lock = readLockAttempt(request.lockSecret, { key, now: clock.now(), idleMs: lockIdleMs });
    const claim = createHash('sha256').update(`sotto number claim v1 ${userId}`).digest().subarray(0, 16);
    const attempt = await verifications.attempt(verificationId, code, claim);
    if (attempt.status !== 'right') throw refusedCode(attempt);
    const { numberMac, numberCiphertext } = attempt;
    const outcome = await control.moveNumber({ userId, listHash, numberMac, numberCiphertext, lock });
    if (outcome.status === 'unknown') throw unknownUser();
    if (outcome.status === 'changed') throw invalidProof();
    if (outcome.status === 'locked') throw lockedAccount(outcome.refusal);
    if (outcome.replaced !== undefined) await onEnded(outcome.replaced);
  }

  /**
   * Sets or removes the registration lock.
   * @throws {RelayError} `proof-invalid`, `request-malformed`, `user-unknown`
   */
  async putLock(device: DeviceAddress, { lock, proof }: LockRequest): Promise<void> {
    const { control, key, clock } = this.#parts;
    const salt = lock && readLockBytes(lock.salt);
    const secret = lock && readLockBytes(lock.secret);
    const subject = Buffer.concat([salt ?? nothing, secret ?? nothing]);
    const listHash = await this.#checkProof(device, 'lock', subject, proof);
    const kept = salt && secret && { salt, secretMac: key.macOfLockSecret(secret) };
    const outcome = await control.putLock({ userId: device.userId, listHash, lock: kept, now: clock.now() });
    if (outcome === 'changed') throw invalidProof();
    if (outcome === 'unknown') throw unknownUser();
  }

  /** Gives the hash of the list that the proof is good for: what is done with it has to see that it is the list still. */
  async #checkProof(
    { userId, deviceId }: DeviceAddress,
    purpose: AccountPurpose,
    subject: Uint8Array,
    proof: string,
  ): Promise<Uint8Array> {
    const list = await this.#parts.directory.deviceList(userId);
    if (list === undefined) throw unknownUser();
    const { devices } = DeviceList.decode(SignedDeviceList.decode(list.signed).list);
    // The account is the primary device's to end, move and lock; whoever is not it has the root key alone to sign with.
    const isPrimary = devices.every((device) => deviceId <= (device.deviceId ?? 0));
    const own = isPrimary ? devices.find((device) => device.deviceId === deviceId) : undefined;
    const deviceKeys = own?.deviceKey ? [own.deviceKey] : [];
    const message = signedBytesOfAccountProof(purpose, userId, list.hash, subject);
    const signature = fromBase64Url(proof);
    if (![...deviceKeys, list.rootKey].some((signer) => signedBy(readEcKey(signer), message, signature))) {
      throw invalidProof();
    }
    return list.hash;
  }
}

function invalidProof(): RelayError {
  return new RelayError(
    'proof-invalid',
    'The proof has to be signed by the key of the primary device, over the list as it is.',
  );
}

/** What is kept of a proof that ended an account: who has the proof finds it again, and nobody finds the proof or the account by it. */
function receiptOfDeletion(proof: string): Uint8Array {
  const proofBytes = fromBase64Url(proof);
  return createHash('sha256').update('sotto account deletion v1').update(proofBytes).digest();
}
