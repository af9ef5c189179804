import { Profile } from '@sotto/proto';
import { Aes256GcmSiv } from '#libsignal';
import { asBuffer } from '../crypto/as-buffer.ts';
import { unpad } from '../crypto/padding.ts';
import { sameBytes } from '../crypto/same-bytes.ts';
import type { Sha256 } from '../ports/hash.ts';
import type { Randomness } from '../ports/randomness.ts';
import { SottoError } from '../sotto-error.ts';
import { checkUsername } from './username.ts';

/** The most bytes of an avatar. */
export const maxAvatarBytes = 1024 * 1024;
const nonceBytes = 12;
/** Larger than any profile of 50 characters, so that all look alike. */
const profileBucket = 256;
const avatarBucket = 512;
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
  return seal(padTo(encoded, profileBucket), profileContext, profileKey, randomness);
}

/**
 * Decrypts a profile.
 * @throws {SottoError} `relay-misbehaved` when it was not made with this key, or is no profile
 */
export function openProfile(sealed: Uint8Array, profileKey: Uint8Array): OpenProfile {
  try {
    const profile = Profile.decode(open(sealed, profileContext, profileKey));
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
  return seal(padTo(avatar, avatarBucket), avatarContext, profileKey, randomness);
}

/**
 * Decrypts an avatar and compares it with what the profile says.
 * @throws {SottoError} `relay-misbehaved` when it was not made with this key, or is another one
 */
export function openAvatar(sealed: Uint8Array, hash: Uint8Array, profileKey: Uint8Array, sha256: Sha256): Uint8Array {
  try {
    const avatar = open(sealed, avatarContext, profileKey);
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

function seal(
  padded: Uint8Array<ArrayBuffer>,
  context: Uint8Array<ArrayBuffer>,
  key: Uint8Array,
  randomness: Randomness,
): Uint8Array {
  const nonce = asBuffer(randomness.bytes(nonceBytes));
  const ciphertext = Aes256GcmSiv.new(asBuffer(key)).encrypt(padded, nonce, context);
  const sealed = new Uint8Array(nonceBytes + ciphertext.length);
  sealed.set(nonce, 0);
  sealed.set(ciphertext, nonceBytes);
  return sealed;
}

function open(sealed: Uint8Array, context: Uint8Array<ArrayBuffer>, key: Uint8Array): Uint8Array {
  const nonce = asBuffer(sealed.slice(0, nonceBytes));
  const padded = Aes256GcmSiv.new(asBuffer(key)).decrypt(asBuffer(sealed.slice(nonceBytes)), nonce, context);
  const bytes = unpad(padded);
  if (bytes === undefined) throw new RangeError('no padding');
  return bytes;
}

/** The end mark 0x80, then zeros up to a multiple of `bucket`. */
function padTo(bytes: Uint8Array, bucket: number): Uint8Array<ArrayBuffer> {
  const padded = new Uint8Array(Math.ceil((bytes.length + 1) / bucket) * bucket);
  padded.set(bytes, 0);
  padded[bytes.length] = 0x80;
  return padded;
}
