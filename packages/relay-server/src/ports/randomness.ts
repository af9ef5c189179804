/** A cryptographically secure source of randomness. Seeded ones are for tests only. */
export interface Randomness {
  /** `count` fresh bytes. */
  bytes(count: number): Uint8Array;
}
