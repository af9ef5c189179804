import { Aes256GcmSiv, hkdf, LibSignalErrorBase } from '#libsignal';
import { asBuffer } from '../crypto/as-buffer.ts';
import type { Randomness } from '../ports/randomness.ts';

const nonceBytes = 12;
const encoder = new TextEncoder();
const info = encoder.encode('sotto number change v1');

/**
 * Encrypts a new number under the old one, so that a contact's client learns the new one only if it knew the old one (docs/protocol.md, section 4).
 *
 * This keeps honest clients from learning; numbers are few, and who is after it can try them all.
 */
export function sealNumber(next: string, former: string, randomness: Randomness): Uint8Array {
  const nonce = asBuffer(randomness.bytes(nonceBytes));
  const ciphertext = cipherOf(former).encrypt(encoder.encode(next), nonce, info);
  const sealed = new Uint8Array(nonceBytes + ciphertext.length);
  sealed.set(nonce, 0);
  sealed.set(ciphertext, nonceBytes);
  return sealed;
}

/** The new number, in E.164 form; `undefined` when it was not sealed under this number. */
export function openNumber(sealed: Uint8Array, former: string): string | undefined {
  if (sealed.length < nonceBytes) return undefined;
  try {
    const nonce = asBuffer(sealed.slice(0, nonceBytes));
    const bytes = cipherOf(former).decrypt(asBuffer(sealed.slice(nonceBytes)), nonce, info);
    const number = new TextDecoder().decode(bytes);
    return /^\+[1-9]\d{6,14}$/.test(number) ? number : undefined;
  } catch (error) {
    // libsignal's word that the tag is wrong: it was sealed under another number.
    if (error instanceof LibSignalErrorBase) return undefined;
    throw error;
  }
}

function cipherOf(number: string): Aes256GcmSiv {
  return Aes256GcmSiv.new(hkdf(32, encoder.encode(number), info, null));
}
