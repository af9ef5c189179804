import { Aes256GcmSiv } from '#libsignal';
import type { Randomness } from '../ports/randomness.ts';
import { asBuffer } from './as-buffer.ts';
import { unpad } from './padding.ts';

const nonceBytes = 12;

/** How something is sealed that is not a message. */
export interface BucketSealing {
  /** 32 bytes. */
  readonly key: Uint8Array;
  /** Bound to the ciphertext, and not in it. */
  readonly context: Uint8Array;
}

/** Pads to a multiple of `bucket` and encrypts: nonce (12, random) || AES-256-GCM-SIV (RFC 8452) || tag (16). */
export function sealBucket(
  bytes: Uint8Array,
  bucket: number,
  { key, context }: BucketSealing,
  randomness: Randomness,
): Uint8Array {
  const nonce = asBuffer(randomness.bytes(nonceBytes));
  const ciphertext = Aes256GcmSiv.new(asBuffer(key)).encrypt(padTo(bytes, bucket), nonce, asBuffer(context));
  const sealed = new Uint8Array(nonceBytes + ciphertext.length);
  sealed.set(nonce, 0);
  sealed.set(ciphertext, nonceBytes);
  return sealed;
}

/**
 * What was sealed.
 * @throws {RangeError} or what libsignal throws, when it was not made so
 */
export function openBucket(sealed: Uint8Array, { key, context }: BucketSealing): Uint8Array {
  const nonce = asBuffer(sealed.slice(0, nonceBytes));
  const padded = Aes256GcmSiv.new(asBuffer(key)).decrypt(asBuffer(sealed.slice(nonceBytes)), nonce, asBuffer(context));
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
