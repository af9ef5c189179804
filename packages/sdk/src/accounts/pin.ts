import { toBase64Url } from '@sotto/proto';
import { PinHash } from '#libsignal';
import { asBuffer } from '../crypto/as-buffer.ts';
import { SottoError } from '../sotto-error.ts';
import { abortable } from '../transport/abortable.ts';

/** What is known when a PIN is asked for. */
export interface PinContext {
  /** How many tries are left before a wait. */
  readonly attemptsLeft: number | undefined;
}

/** A PIN, or who asks the user for it. */
export type PinSource = string | ((context: PinContext) => Promise<string> | string);

const fewestCharacters = 4;
const mostCharacters = 128;

/**
 * What the relay is told of a PIN: libsignal's hash of it (Argon2id) under a random salt. The relay keeps a keyed hash of that only.
 * @returns 32 bytes
 * @throws {SottoError} `pin-invalid`
 */
export function lockSecretOf(pin: string, salt: Uint8Array): Uint8Array {
  return Uint8Array.from(PinHash.fromSalt(readPin(pin), asBuffer(salt)).accessKey);
}

/**
 * Checks a PIN and writes it in one way: without spaces around it, NFKD.
 * @throws {SottoError} `pin-invalid`
 */
export function readPin(pin: unknown): Uint8Array<ArrayBuffer> {
  const normal = typeof pin === 'string' ? pin.trim().normalize('NFKD') : '';
  const length = [...normal].length;
  if (length < fewestCharacters || length > mostCharacters) {
    throw new SottoError(
      'pin-invalid',
      `a PIN has ${fewestCharacters} to ${mostCharacters} characters, longer is safer`,
    );
  }
  return new TextEncoder().encode(normal);
}

/**
 * Asks the relay without a PIN, and when the number's account is locked once more with it: one PIN is one try.
 * @throws {SottoError} `registration-locked` (with `attemptsLeft`, and `retryAfterMs` while a wait lasts), `pin-invalid`, and what `ask` throws
 */
export async function withPin<T>(
  ask: (lockSecret: string | undefined) => Promise<T>,
  pin: PinSource | undefined,
  signal: AbortSignal | undefined,
): Promise<T> {
  try {
    return await ask(undefined);
  } catch (error) {
    if (!(error instanceof SottoError) || error.code !== 'registration-locked') throw error;
    const { lockSalt, attemptsLeft, retryAfterMs } = error;
    if (pin === undefined || lockSalt === undefined || retryAfterMs !== undefined) throw error;
    const given = typeof pin === 'string' ? pin : await abortable(Promise.resolve(pin({ attemptsLeft })), signal);
    return ask(toBase64Url(lockSecretOf(given, lockSalt)));
  }
}
