import { ProtoError } from './proto-error.ts';

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const digitOf = new Map([...alphabet].map((letter, value) => [letter, value] as const));

/** Writes bytes as base64url without padding (RFC 4648 section 5), the form of all bytes in JSON bodies. */
export function toBase64Url(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += 3) {
    const left = bytes.length - at;
    const group = ((bytes[at] ?? 0) << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0);
    text += alphabet.charAt(group >> 18) + alphabet.charAt((group >> 12) & 63);
    if (left > 1) text += alphabet.charAt((group >> 6) & 63);
    if (left > 2) text += alphabet.charAt(group & 63);
  }
  return text;
}

/**
 * Reads unpadded base64url (RFC 4648 section 5).
 *
 * Strict, so that one value has one spelling: no padding, no white space, no stray bits in the last letter.
 * @throws {ProtoError} `malformed-base64url`
 */
export function fromBase64Url(text: string): Uint8Array {
  const tail = text.length % 4;
  if (tail === 1) throw new ProtoError('malformed-base64url', 'base64url text can not have this length');
  const bytes = new Uint8Array(Math.floor((text.length * 3) / 4));
  let written = 0;
  let bits = 0;
  let held = 0;
  for (const letter of text) {
    const value = digitOf.get(letter);
    if (value === undefined)
      throw new ProtoError('malformed-base64url', 'base64url text may hold only A-Z a-z 0-9 - _');
    held = (held << 6) | value;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      bytes[written++] = (held >> bits) & 255;
      held &= (1 << bits) - 1;
    }
  }
  if (held !== 0) throw new ProtoError('malformed-base64url', 'base64url text ends in stray bits');
  return bytes;
}
