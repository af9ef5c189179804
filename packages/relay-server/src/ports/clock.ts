/** Tells the time. The relay's clock is the one by which mail is accepted and expires. */
export interface Clock {
  /** Milliseconds since the Unix epoch. May jump; never used to measure a duration that matters for safety. */
  now(): number;
}
