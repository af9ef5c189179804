/** What a suite asks of an expectation. */
export interface Expectation {
  toBe(expected: unknown): unknown;
  toEqual(expected: unknown): unknown;
}

/** The part of a test runner that the suites use: vitest, jest, bun and most others fit as they are. */
export interface Runner {
  readonly describe: (name: string, body: () => void) => unknown;
  readonly it: ((name: string, body: () => Promise<void>) => unknown) & {
    readonly skip: (name: string, body: () => Promise<void>) => unknown;
  };
  readonly expect: (actual: unknown) => Expectation;
}
