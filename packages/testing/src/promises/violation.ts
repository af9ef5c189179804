/** The promises that a world is held to; README.md says what each is. */
export type Promised = 'P1' | 'P2' | 'P4' | 'P5' | 'P6' | 'P7';

/** One promise that was not kept. */
export interface Violation {
  readonly promise: Promised;
  /** What was found, in words that are the same each time the same happens. */
  readonly what: string;
}
