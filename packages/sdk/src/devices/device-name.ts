import { Aes256GcmSiv, hkdf } from '#libsignal';
import { isShownName } from '../accounts/shown-name.ts';
import { asBuffer } from '../crypto/as-buffer.ts';
import { unpad } from '../crypto/padding.ts';
import type { AccountRecord } from '../ports/account-record.ts';
import type { Randomness } from '../ports/randomness.ts';
import { SottoError } from '../sotto-error.ts';

const longestName = 50;
const nonceBytes = 12;
const bucket = 64;
const keyInfo = new TextEncoder().encode('sotto device name v1');

/**
 * Checks what a device is to be called: 1..50 characters (Unicode code points), as `isShownName` has it.
 * @throws {SottoError} `argument-invalid`
 */
export function checkDeviceName(name: string): void {
  if (isDeviceName(name)) return;
  throw new SottoError(
    'argument-invalid',
    `the name of a device has 1 to ${longestName} characters, one of them visible, and no control characters, line ends, lone surrogates or characters that turn the direction of writing`,
  );
}

/** Whether a device may be called so. */
export function isDeviceName(name: unknown): name is string {
  if (typeof name !== 'string') return false;
  return isShownName(name, longestName);
}

/** Encrypts a device's name for the account's own devices (docs/protocol.md, section 1): padded to 64 bytes, nonce || ciphertext || tag. */
export function sealDeviceName(name: string, profileKey: Uint8Array, randomness: Randomness): Uint8Array {
  const encoded = new TextEncoder().encode(name);
  const padded = new Uint8Array(Math.ceil((encoded.length + 1) / bucket) * bucket);
  padded.set(encoded, 0);
  padded[encoded.length] = 0x80;
  const nonce = asBuffer(randomness.bytes(nonceBytes));
  const ciphertext = cipher(profileKey).encrypt(padded, nonce, new Uint8Array());
  const sealed = new Uint8Array(nonceBytes + ciphertext.length);
  sealed.set(nonce, 0);
  sealed.set(ciphertext, nonceBytes);
  return sealed;
}

/** A device's name; empty when it has none, or one that can't be read: it was given under a profile key that is not the account's any more. */
export function openDeviceName(sealed: Uint8Array | undefined, profileKey: Uint8Array): string {
  if (sealed === undefined || sealed.length <= nonceBytes) return '';
  try {
    const nonce = asBuffer(sealed.slice(0, nonceBytes));
    const padded = cipher(profileKey).decrypt(asBuffer(sealed.slice(nonceBytes)), nonce, new Uint8Array());
    const name = new TextDecoder('utf-8', { fatal: true }).decode(unpad(padded));
    return isDeviceName(name) ? name : '';
  } catch (notOurs) {
    // libsignal's word on a wrong key, or TextDecoder's on what is no text.
    if (notOurs instanceof Error) return '';
    throw notOurs;
  }
}

/** A device's name as its own account reads it: names are sealed under the next profile key a moment before it takes the place of the one in use. */
export function openOwnDeviceName(
  sealed: Uint8Array | undefined,
  { profileKey, nextProfileKey }: Pick<AccountRecord, 'profileKey' | 'nextProfileKey'>,
): string {
  const name = openDeviceName(sealed, profileKey);
  return name === '' && nextProfileKey !== undefined ? openDeviceName(sealed, nextProfileKey) : name;
}

/** The profile key under which a name is sealed now: the one that waits, if there is one, since nobody seals names anew once it is in use. */
export function nameKeyOf({
  profileKey,
  nextProfileKey,
}: Pick<AccountRecord, 'profileKey' | 'nextProfileKey'>): Uint8Array {
  return nextProfileKey ?? profileKey;
}

/** The same name under another profile key; undefined when the first key opens none. */
export function resealDeviceName(
  sealed: Uint8Array | undefined,
  { from, to }: { readonly from: Uint8Array; readonly to: Uint8Array },
  randomness: Randomness,
): Uint8Array | undefined {
  const name = openDeviceName(sealed, from);
  return name === '' ? undefined : sealDeviceName(name, to, randomness);
}

function cipher(profileKey: Uint8Array): Aes256GcmSiv {
  return Aes256GcmSiv.new(hkdf(32, asBuffer(profileKey), keyInfo, null));
}
