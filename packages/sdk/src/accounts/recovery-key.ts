import { hkdf, PrivateKey } from '#libsignal';
import { asBuffer } from '../crypto/as-buffer.ts';
import type { Sha256 } from '../ports/hash.ts';
import { SottoError } from '../sotto-error.ts';

/** Crockford's base32: no I, L, O, U. */
const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const secretBytes = 32;
const checksumBytes = 4;
const letters = Math.ceil(((secretBytes + checksumBytes) * 8) / 5);
const rootKeyInfo = new TextEncoder().encode('sotto root key v1');

/** The key that signs the account's device list, made from the 32 bytes of the recovery key (docs/protocol.md, section 1). */
export function rootKeyOf(rootSecret: Uint8Array): PrivateKey {
  return PrivateKey.deserialize(hkdf(32, asBuffer(rootSecret), rootKeyInfo, null));
}

/** Writes the 32 bytes of a recovery key for people: base32 in groups of four, with a checksum. */
export function formatRecoveryKey(rootSecret: Uint8Array, sha256: Sha256): string {
  const bytes = [...rootSecret, ...sha256(rootSecret).subarray(0, checksumBytes)];
  let text = '';
  let held = 0;
  let bits = 0;
  for (const byte of bytes) {
    held = (held << 8) | byte;
    bits += 8;
    while (bits >= 5) {
      bits -= 5;
      text += alphabet.charAt((held >> bits) & 31);
      held &= (1 << bits) - 1;
    }
  }
  text += alphabet.charAt((held << (5 - bits)) & 31);
  return text.replace(/(.{4})(?=.)/g, '$1-');
}

/**
 * Reads a recovery key as people type it: case, spaces and dashes don't matter, O is 0, I and L are 1.
 * @throws {SottoError} `recovery-key-invalid`
 */
export function parseRecoveryKey(text: string, sha256: Sha256): Uint8Array {
  const typed = text.toUpperCase().replace(/[\s-]/g, '').replaceAll('O', '0').replace(/[IL]/g, '1');
  if (typed.length !== letters) throw invalid(`it has ${letters} letters and digits`);
  const bytes = new Uint8Array(secretBytes + checksumBytes);
  let written = 0;
  let held = 0;
  let bits = 0;
  for (const letter of typed) {
    const value = alphabet.indexOf(letter);
    if (value < 0) throw invalid('it holds a letter that recovery keys never have');
    held = (held << 5) | value;
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      bytes[written++] = held >> bits;
      held &= (1 << bits) - 1;
    }
  }
  const secret = bytes.slice(0, secretBytes);
  const checksum = sha256(secret).subarray(0, checksumBytes);
  const agrees = checksum.every((byte, at) => byte === bytes[secretBytes + at]);
  if (held !== 0 || !agrees) throw invalid('a letter is wrong or two are swapped');
  return secret;
}

function invalid(advice: string): SottoError {
  return new SottoError('recovery-key-invalid', `this is no recovery key: ${advice}`);
}
