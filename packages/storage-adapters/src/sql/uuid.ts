import { SottoError } from '@sotto/sdk/ports';

const form = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const pairs = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'));

function digit(text: string, index: number): number {
  const code = text.charCodeAt(index);
  return code < 58 ? code - 48 : code - 87;
}

/** Ids of people and chats stand in every row, and those of messages in several. */
const mostKept = 4_096;
const kept = new Map<string, Uint8Array>();

/**
 * A UUID's 16 bytes, which may be shared with other callers: they are for reading.
 * @throws {SottoError} `argument-invalid` when it is not 36 characters in lower case
 */
export function uuidBytes(text: string): Uint8Array {
  const known = kept.get(text);
  if (known !== undefined) return known;
  if (kept.size >= mostKept) kept.clear();
  const bytes = parsed(text);
  kept.set(text, bytes);
  return bytes;
}

function parsed(text: string): Uint8Array {
  if (!form.test(text)) {
    throw new SottoError(
      'argument-invalid',
      'An id of a record is not a UUID in lower case. Nothing was stored; mend the record.',
    );
  }
  const bytes = new Uint8Array(16);
  for (let byte = 0, index = 0; byte < 16; byte += 1, index += 2) {
    // Before these bytes stands a dash.
    if (byte === 4 || byte === 6 || byte === 8 || byte === 10) index += 1;
    bytes[byte] = digit(text, index) * 16 + digit(text, index + 1);
  }
  return bytes;
}

/** The text of a UUID. @param bytes 16 of them */
export function uuidText(bytes: Uint8Array): string {
  let text = '';
  for (let byte = 0; byte < 16; byte += 1) {
    if (byte === 4 || byte === 6 || byte === 8 || byte === 10) text += '-';
    text += pairs[bytes[byte] ?? 0];
  }
  return text;
}
