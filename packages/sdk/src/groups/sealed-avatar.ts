import { avatarBucket, maxAvatarBytes } from '../accounts/sealed-profile.ts';
import { sameBytes } from '../crypto/same-bytes.ts';
import { openBucket, sealBucket } from '../crypto/sealed-bucket.ts';
import type { Sha256 } from '../ports/hash.ts';
import type { Randomness } from '../ports/randomness.ts';
import { SottoError } from '../sotto-error.ts';
import type { GroupAvatar } from './group-details.ts';
import { groupBytes } from './group-limits.ts';

const context = new TextEncoder().encode('group avatar');

/** An avatar of a group as the state names it, and as the relay keeps it. */
export interface SealedGroupAvatar {
  readonly avatar: GroupAvatar;
  readonly sealed: Uint8Array;
}

/** Encrypts an avatar of at most 1 MiB for one group, under a key and for a location that nothing else has. */
export function sealGroupAvatar(
  bytes: Uint8Array,
  wireId: Uint8Array,
  { sha256, randomness }: { readonly sha256: Sha256; readonly randomness: Randomness },
): SealedGroupAvatar {
  const key = randomness.bytes(groupBytes.key);
  const location = randomness.bytes(groupBytes.avatarLocation);
  const sealed = sealBucket(bytes, avatarBucket, { key, context: contextOf(wireId) }, randomness);
  return { avatar: { hash: sha256(bytes), key, location }, sealed };
}

/**
 * Decrypts an avatar of a group, and compares it with what the state says.
 * @throws {SottoError} `relay-misbehaved` when it is another one, was not made for this group, or is too large
 */
export function openGroupAvatar(
  sealed: Uint8Array,
  { hash, key }: GroupAvatar,
  wireId: Uint8Array,
  sha256: Sha256,
): Uint8Array {
  try {
    const bytes = openBucket(sealed, { key, context: contextOf(wireId) });
    if (bytes.length > maxAvatarBytes || !sameBytes(sha256(bytes), hash)) throw new RangeError('another avatar');
    return Uint8Array.from(bytes);
  } catch (cause) {
    throw new SottoError('relay-misbehaved', 'the avatar is not the one of this group: try again later', {
      retryable: true,
      cause,
    });
  }
}

function contextOf(wireId: Uint8Array): Uint8Array {
  const bound = new Uint8Array(context.length + wireId.length);
  bound.set(context, 0);
  bound.set(wireId, context.length);
  return bound;
}
