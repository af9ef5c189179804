/** What the suites need of a test runner: vitest, jest, `node:test` with an expect, or anything alike. */
export interface ConformanceRunner {
  describe(name: string, body: () => void): void;
  it(name: string, body: () => Promise<void>): void;
  expect(actual: unknown): {
    /** The same value. */
    toBe(expected: unknown): void;
    /** Deeply equal; a field that is `undefined` may be missing. */
    toEqual(expected: unknown): void;
  };
}
