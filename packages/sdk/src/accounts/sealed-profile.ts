import { Profile } from '@sotto/proto';
import { sameBytes } from '../crypto/same-bytes.ts';
import { openBucket, sealBucket } from '../crypto/sealed-bucket.ts';
import type { Sha256 } from '../ports/hash.ts';
import type { Randomness } from '../ports/randomness.ts';
import { SottoError } from '../sotto-error.ts';
import { checkUsername } from './username.ts';

/** The most bytes of an avatar. */
export const maxAvatarBytes = 1024 * 1024;
/** Larger than any profile of 50 characters, so that all look alike. */
const profileBucket = 256;
/** What avatars are padded to multiples of, those of groups too. */
export const avatarBucket = 512;
const profileContext = new TextEncoder().encode('profile');
const avatarContext = new TextEncoder().encode('avatar');

/** A profile in clear. */
export interface OpenProfile {
  readonly username: string;
  /** SHA-256 of the avatar. */
  readonly avatarHash: Uint8Array | undefined;
}

/** Encrypts a profile for those who have its key (docs/protocol.md, section 4). */
export function sealProfile(profile: OpenProfile, profileKey: Uint8Array, randomness: Randomness): Uint8Array {
  const encoded = Profile.encode({
    username: profile.username,
    ...(profile.avatarHash && { avatarHash: profile.avatarHash }),
  });
  return sealBucket(encoded, profileBucket, { key: profileKey, context: profileContext }, randomness);
}

/**
 * Decrypts a profile.
 * @throws {SottoError} `relay-misbehaved` when it was not made with this key, or is no profile
 */
export function openProfile(sealed: Uint8Array, profileKey: Uint8Array): OpenProfile {
  try {
    const profile = Profile.decode(openBucket(sealed, { key: profileKey, context: profileContext }));
    checkUsername(profile.username);
    return {
      username: profile.username,
      avatarHash: profile.avatarHash.length === 32 ? Uint8Array.from(profile.avatarHash) : undefined,
    };
  } catch (cause) {
    throw new SottoError(
      'relay-misbehaved',
      'the profile can not be opened: its key has changed, or it was tampered with',
      { cause },
    );
  }
}

/** Encrypts an avatar of at most 1 MiB. */
export function sealAvatar(avatar: Uint8Array, profileKey: Uint8Array, randomness: Randomness): Uint8Array {
  return sealBucket(avatar, avatarBucket, { key: profileKey, context: avatarContext }, randomness);
}

/**
 * Decrypts an avatar and compares it with what the profile says.
 * @throws {SottoError} `relay-misbehaved` when it was not made with this key, or is another one
 */
export function openAvatar(sealed: Uint8Array, hash: Uint8Array, profileKey: Uint8Array, sha256: Sha256): Uint8Array {
  try {
    const avatar = openBucket(sealed, { key: profileKey, context: avatarContext });
    if (!sameBytes(sha256(avatar), hash)) throw new RangeError('another avatar');
    return Uint8Array.from(avatar);
  } catch (cause) {
    throw new SottoError('relay-misbehaved', 'the avatar is not the one of this profile: try again later', {
      retryable: true,
      cause,
    });
  }
}

/**
 * Checks the size of an avatar.
 * @throws {SottoError} `avatar-too-large`
 */
export function checkAvatar(avatar: Uint8Array): void {
  if (avatar.length > maxAvatarBytes)
    throw new SottoError('avatar-too-large', 'an avatar has at most 1 MiB: make it smaller');
}
