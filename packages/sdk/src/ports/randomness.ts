/** A cryptographically secure source of randomness. Seeded ones are for tests only. libsignal draws its own. */
export interface Randomness {
  /** `count` fresh bytes. */
  bytes(count: number): Uint8Array;
  /** A number in [0, 1): jitter, nothing secret. */
  fraction(): number;
}
