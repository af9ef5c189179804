/** What can go wrong with a world: see docs/errors.md. */
export type TestingErrorCode =
  | 'argument-invalid'
  | 'user-closed'
  | 'user-open'
  | 'relay-running'
  | 'relay-stopped'
  | 'never-settled'
  | 'no-code-sent';

/** Everything that this package throws. `retryable` is always false: a world does the same again. */
export class TestingError extends Error {
  override readonly name = 'TestingError';
  readonly code: TestingErrorCode;
  readonly retryable = false;

  constructor(code: TestingErrorCode, message: string, options: { readonly cause?: unknown } = {}) {
    super(message, options);
    this.code = code;
  }
}
