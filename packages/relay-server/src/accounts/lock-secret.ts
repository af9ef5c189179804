import { fromBase64Url } from '@sotto/proto';
import type { LockAttempt, LockRefusal } from '../ports/registration-lock.ts';
import { RelayError } from '../relay-error.ts';
import type { RelayKey } from './relay-key.ts';

/** Bytes of a lock's salt and secret. */
const lockBytes = 32;

/**
 * Reads a salt or a secret of a registration lock.
 * @throws {RelayError} `request-malformed`
 * @throws {ProtoError} `malformed-base64url`
 */
export function readLockBytes(text: string): Uint8Array {
  const bytes = fromBase64Url(text);
  if (bytes.length !== lockBytes) {
    throw new RelayError('request-malformed', `salt and secret of a lock have ${lockBytes} bytes each.`);
  }
  return bytes;
}

/**
 * What a request brings for the lock of an account that may have its number.
 * @throws {RelayError} `request-malformed`
 */
export function readLockAttempt(
  secret: string | undefined,
  parts: { readonly key: RelayKey; readonly now: number; readonly idleMs: number },
): LockAttempt {
  const { key, now, idleMs } = parts;
  return { secretMac: secret === undefined ? undefined : key.macOfLockSecret(readLockBytes(secret)), now, idleMs };
}

/** Only who knows the PIN may take the number, or who waits until its account was silent for long. */
export function lockedAccount({ salt, attemptsLeft, retryAfterMs }: LockRefusal): RelayError {
  return new RelayError(
    'registration-locked',
    'The account of this number has a registration lock: give its PIN, hashed under lockSalt, or register with the recovery key.',
    { lockSalt: salt, attemptsLeft, ...(retryAfterMs !== undefined && { retryAfterMs }) },
  );
}
