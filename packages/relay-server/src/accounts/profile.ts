import { fromBase64Url } from '@sotto/proto';
import { RelayError } from '../relay-error.ts';

/** The most bytes of an encrypted profile. */
export const profileBytes = 4 * 1024;

/**
 * Reads an encrypted profile.
 * @throws {RelayError} `profile-too-large`
 * @throws {ProtoError} `malformed-base64url`
 */
export function readProfile(text: string): Uint8Array {
  if (text.length > Math.ceil((profileBytes * 4) / 3)) throw tooLarge();
  return fromBase64Url(text);
}

function tooLarge(): RelayError {
  return new RelayError('profile-too-large', `An encrypted profile has at most ${profileBytes} bytes: shorten it.`);
}
