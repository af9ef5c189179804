import { ProtoError } from './proto-error.ts';

const hex = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));
/** By character code; 16 = no digit. */
const digits = Uint8Array.from({ length: 128 }, (_, code) => {
  const digit = '0123456789abcdef'.indexOf(String.fromCharCode(code));
  return digit < 0 ? 16 : digit;
});
const shape = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/**
 * Writes 16 bytes as a UUID: 36 characters, lower case (RFC 9562 section 4).
 *
 * Version and variant bits are not looked at: message ids are hashes.
 * @throws {ProtoError} `malformed-uuid` when there are not 16 bytes
 */
export function uuidToText(bytes: Uint8Array): string {
  if (bytes.length !== 16) throw new ProtoError('malformed-uuid', `a UUID has 16 bytes, not ${bytes.length}`);
  let text = '';
  for (let at = 0; at < 16; at++) {
    if (at === 4 || at === 6 || at === 8 || at === 10) text += '-';
    text += hex[bytes[at] ?? 0];
  }
  return text;
}

/**
 * Reads a UUID in its 36-character, lower-case form into 16 bytes.
 * @throws {ProtoError} `malformed-uuid`
 */
export function uuidToBytes(text: string): Uint8Array {
  const bytes = new Uint8Array(16);
  // Whatever is no digit leaves a bit above the low four, and the dashes stand where they must.
  let stray = text.length ^ 36;
  for (let byte = 0, at = 0; byte < 16; byte++, at += 2) {
    if (byte === 4 || byte === 6 || byte === 8 || byte === 10) stray |= text.charCodeAt(at++) ^ 45;
    const high = digits[text.charCodeAt(at)] ?? 16;
    const low = digits[text.charCodeAt(at + 1)] ?? 16;
    stray |= (high | low) & 16;
    bytes[byte] = (high << 4) | low;
  }
  if (stray !== 0) {
    throw new ProtoError('malformed-uuid', 'a UUID has 36 characters: lower-case hex digits and four dashes');
  }
  return bytes;
}

/** Whether a text is a UUID in its 36-character, lower-case form. */
export function isUuid(text: string): boolean {
  return shape.test(text);
}
