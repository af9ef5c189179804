import { randomBytes, timingSafeEqual } from 'node:crypto';
import { hashOfAccessKey } from '../accounts/access-key.ts';
import type { Directory } from '../accounts/directory.ts';
import type { UserId } from '../ports/ids.ts';
import { RelayError } from '../relay-error.ts';

/** Compared with where there is nothing to compare with, so that the same is done for everybody. */
const nobodysHash = randomBytes(32);

/**
 * The hash of an access key, if it is the account's; `undefined` when it is another, when the account has none, and when there is no such account.
 * Compared in constant time: neither the time nor anything else tells which it was.
 */
export async function admittedBy(
  directory: Directory,
  userId: UserId,
  accessKey: Uint8Array,
): Promise<Uint8Array | undefined> {
  const hash = await directory.accessKeyHash(userId);
  const isSame = timingSafeEqual(hash ?? nobodysHash, hashOfAccessKey(accessKey));
  return hash !== undefined && isSame ? hash : undefined;
}

/** The one refusal of sealed sends that are not let in. */
export function sealedRefused(): RelayError {
  return new RelayError(
    'sealed-refused',
    'This is not the access key of an account: send with a token, and learn the profile key anew.',
  );
}
