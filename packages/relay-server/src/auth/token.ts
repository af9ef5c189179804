import { createHash } from 'node:crypto';
import { fromBase64Url } from '@sotto/proto';

/** Bytes of a token: 256 bits, so that guessing is hopeless and a plain hash protects it at rest. */
export const tokenBytes = 32;

/** What the relay stores of a token: SHA-256. */
export function hashOfToken(token: Uint8Array): Uint8Array {
  return createHash('sha256').update(token).digest();
}

/** Reads a token from its text; `undefined` when it has not the form of one. */
export function readToken(text: string): Uint8Array | undefined {
  if (!/^[A-Za-z0-9_-]{43}$/.test(text)) return undefined;
  const tail = 'AEIMQUYcgkosw048';
  return tail.includes(text.charAt(42)) ? fromBase64Url(text) : undefined;
}
