/** Below this, plaintexts fill multiples of `bucket`; above, Padme sizes. */
const bucketsUpTo = 4_096;
const bucket = 160;

/**
 * The size that a plaintext of `length` bytes and its end mark are padded to.
 *
 * Multiples of 160 up to 4,096, then Padme (Nikitin et al., "Reducing Metadata Leakage from Encrypted Files", section 4): at most 12 % more, and O(log log n) bits leak.
 */
export function paddedLength(length: number): number {
  const marked = length + 1;
  if (marked <= bucketsUpTo) return Math.min(Math.ceil(marked / bucket) * bucket, bucketsUpTo);
  const exponent = Math.floor(Math.log2(marked));
  const significant = Math.floor(Math.log2(exponent)) + 1;
  const step = 2 ** (exponent - significant);
  return Math.ceil(marked / step) * step;
}

/** Adds the end mark 0x80 and zeros (ISO/IEC 7816-4). */
export function pad(plaintext: Uint8Array): Uint8Array<ArrayBuffer> {
  const padded = new Uint8Array(paddedLength(plaintext.length));
  padded.set(plaintext, 0);
  padded[plaintext.length] = 0x80;
  return padded;
}

/** Takes the padding off; `undefined` when there is no end mark. */
export function unpad(padded: Uint8Array): Uint8Array | undefined {
  let end = padded.length - 1;
  while (end >= 0 && padded[end] === 0) end--;
  return end >= 0 && padded[end] === 0x80 ? padded.subarray(0, end) : undefined;
}
