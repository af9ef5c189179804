/** The input ended where an answer was needed. */
export class InputEndedError extends Error {
  override readonly name = 'InputEndedError';
}
