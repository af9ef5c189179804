import { uuidToText } from '@sotto/proto';
import type { Randomness } from '../ports/randomness.ts';

/** Makes a random UUID (RFC 9562, version 4) from the relay's own source of randomness. */
export function randomUuid(randomness: Randomness): string {
  const bytes = randomness.bytes(16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return uuidToText(bytes);
}
