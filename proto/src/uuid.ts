import { ProtoError } from './proto-error.ts';

const hex = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));
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
  if (!shape.test(text))
    throw new ProtoError('malformed-uuid', 'a UUID has 36 characters: lower-case hex digits and four dashes');
  const digits = text.replaceAll('-', '');
  const bytes = new Uint8Array(16);
  for (let at = 0; at < 16; at++) bytes[at] = Number.parseInt(digits.slice(at * 2, at * 2 + 2), 16);
  return bytes;
}

/** Whether a text is a UUID in its 36-character, lower-case form. */
export function isUuid(text: string): boolean {
  return shape.test(text);
}
