import { createHash } from 'node:crypto';
import { fromBase64Url } from '@sotto/proto';
import { RelayError } from '../relay-error.ts';

/** Bytes of an access key. */
export const accessKeyBytes = 16;

/** What the relay keeps of an access key: SHA-256. */
export function hashOfAccessKey(accessKey: Uint8Array): Uint8Array {
  return createHash('sha256').update(accessKey).digest();
}

/**
 * Reads the access key of a request as the hash that is kept of it; `undefined` when an older client left it out.
 * @throws {RelayError} `request-malformed`
 * @throws {ProtoError} `malformed-base64url`
 */
export function readAccessKey(text: string | undefined): Uint8Array | undefined {
  if (text === undefined) return undefined;
  const accessKey = fromBase64Url(text);
  if (accessKey.length !== accessKeyBytes) {
    throw new RelayError('request-malformed', `accessKey has to have ${accessKeyBytes} bytes.`);
  }
  return hashOfAccessKey(accessKey);
}
