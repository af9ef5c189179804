/** Tells the time. */
export interface Clock {
  /** Milliseconds since the Unix epoch. May jump either way: nothing breaks but times shown. */
  now(): number;
}
