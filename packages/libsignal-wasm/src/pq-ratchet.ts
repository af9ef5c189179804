import { CiphertextMessageType } from './ciphertext-message.ts';
import { LibSignalErrorBase } from './errors.ts';

const version = 1;
const chunkLength = 32;
const largestType = 6;
/** Types that carry no chunk: nothing, and an acknowledgement. */
const withoutChunk: ReadonlySet<number> = new Set([0, 4]);

/**
 * Refuses a message whose part of the post-quantum ratchet does not have its structure: this age of the library stops at some of them, before it has checked who wrote them, and takes a message without one for a session without it.
 * @throws {LibSignalErrorBase}
 */
export function checkPqRatchet(bytes: Uint8Array, type: CiphertextMessageType, operation: string): void {
  if (isPqRatchet(bytes)) return;
  const kind = type === CiphertextMessageType.PreKey ? 'PreKey' : 'Whisper';
  throw new LibSignalErrorBase(`invalid ${kind} message: the post-quantum ratchet's part is malformed`, '', operation);
}

/** Version 1, epoch and index as varints, a type, and for the types that carry a chunk (all of 0..6 but 0 and 4) its index and 32 bytes. */
export function isPqRatchet(bytes: Uint8Array): boolean {
  if (bytes[0] !== version) return false;
  const at = afterVarint(bytes, afterVarint(bytes, 1));
  const type = bytes[at];
  if (type === undefined || type > largestType) return false;
  if (withoutChunk.has(type)) return bytes.length === at + 1;
  return bytes.length === afterVarint(bytes, at + 1) + chunkLength;
}

/** The offset behind a varint of at most ten bytes, or NaN. */
function afterVarint(bytes: Uint8Array, from: number): number {
  for (let at = from; at < from + 10; at++) {
    const byte = bytes[at];
    if (byte === undefined) return Number.NaN;
    if (byte < 0x80) return at + 1;
  }
  return Number.NaN;
}
