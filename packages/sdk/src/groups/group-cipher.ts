import { Aes256GcmSiv, hkdf, LibSignalErrorBase } from '#libsignal';
import { asBuffer } from '../crypto/as-buffer.ts';
import { pad, unpad } from '../crypto/padding.ts';
import type { Sha256 } from '../ports/hash.ts';
import type { Randomness } from '../ports/randomness.ts';
import { groupBytes } from './group-limits.ts';

const nonceBytes = 12;
const tagBytes = 16;
const encoder = new TextEncoder();
const commitmentContext = encoder.encode('sotto group key v1');

/** What a ciphertext of a group is for: each has a key of its own, made from a state key or an invite key. */
const purposes = {
  change: encoder.encode('sotto group change v1'),
  checkpoint: encoder.encode('sotto group checkpoint v1'),
  'key-proof': encoder.encode('sotto group key proof v1'),
  'invite-box': encoder.encode('sotto group invite box v1'),
} as const;

/** A state key with its epoch. */
export interface GroupKey {
  readonly keyEpoch: number;
  /** 32 bytes. */
  readonly key: Uint8Array;
}

/** A new state key: 32 random bytes. */
export function newGroupKey(randomness: Randomness): Uint8Array {
  return randomness.bytes(groupBytes.key);
}

/** What names a key without giving it away: SHA-256("sotto group key v1" || group id on the wire || epoch (8 bytes, big-endian) || key). */
export function keyCommitment(wireId: Uint8Array, { keyEpoch, key }: GroupKey, sha256: Sha256): Uint8Array {
  const epoch = new Uint8Array(8);
  new DataView(epoch.buffer).setBigUint64(0, BigInt(keyEpoch));
  return sha256(commitmentContext, wireId, epoch, key);
}

/** Where a ciphertext belongs. */
export interface GroupSealing {
  readonly purpose: keyof typeof purposes;
  readonly wireId: Uint8Array;
  readonly key: Uint8Array;
  /** Bound to the ciphertext, and not in it. */
  readonly associated: Uint8Array;
}

/** Pads and encrypts: nonce (12) || AES-256-GCM-SIV (RFC 8452) || tag (16), under HKDF-SHA256(key, salt = group id on the wire, the purpose, 32). */
export function sealForGroup(plaintext: Uint8Array, sealing: GroupSealing, randomness: Randomness): Uint8Array {
  const nonce = asBuffer(randomness.bytes(nonceBytes));
  const ciphertext = cipherOf(sealing).encrypt(pad(plaintext), nonce, asBuffer(sealing.associated));
  const sealed = new Uint8Array(nonceBytes + ciphertext.length);
  sealed.set(nonce, 0);
  sealed.set(ciphertext, nonceBytes);
  return sealed;
}

/** What was sealed; undefined when it was not made so. */
export function openOfGroup(sealed: Uint8Array, sealing: GroupSealing): Uint8Array | undefined {
  if (sealed.length < nonceBytes + tagBytes) return undefined;
  const nonce = asBuffer(Uint8Array.from(sealed.subarray(0, nonceBytes)));
  const ciphertext = asBuffer(Uint8Array.from(sealed.subarray(nonceBytes)));
  try {
    return unpad(cipherOf(sealing).decrypt(ciphertext, nonce, asBuffer(sealing.associated)));
  } catch (error) {
    // A wrong tag.
    if (error instanceof LibSignalErrorBase) return undefined;
    throw error;
  }
}

function cipherOf({ purpose, wireId, key }: GroupSealing): Aes256GcmSiv {
  return Aes256GcmSiv.new(asBuffer(hkdf(32, asBuffer(key), purposes[purpose], asBuffer(wireId))));
}
