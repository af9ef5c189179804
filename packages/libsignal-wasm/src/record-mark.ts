import { LibSignalErrorBase } from './errors.ts';
import type { Bytes } from './wire.ts';

/**
 * Stands behind a record of this library. The native library refuses it (no field of a protobuf begins with 0), and this one refuses what has none: versions apart may read each other's records differently, so records stay with the library that wrote them.
 */
const mark = Uint8Array.of(0, 0x77, 1);

export function withMark(record: Uint8Array): Bytes {
  const bytes = new Uint8Array(record.length + mark.length);
  bytes.set(record);
  bytes.set(mark, record.length);
  return bytes;
}

/** The record in front of the mark; of no bytes, which is a record of nothing in both libraries, none is asked. @throws {LibSignalErrorBase} */
export function withoutMark(bytes: Uint8Array, operation: string, name: string): Bytes {
  const end = bytes.length - mark.length;
  if (bytes.length > 0 && (end < 0 || mark.some((byte, at) => bytes[end + at] !== byte))) {
    throw new LibSignalErrorBase('the record was not written by this library', name, operation);
  }
  return Uint8Array.from(bytes.subarray(0, Math.max(0, end)));
}
