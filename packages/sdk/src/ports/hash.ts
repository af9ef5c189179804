/** SHA-256 (FIPS 180-4), at once: 32 bytes. */
export type Sha256 = (...parts: readonly Uint8Array[]) => Uint8Array;
