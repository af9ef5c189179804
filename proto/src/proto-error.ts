/** Why bytes or text could not be read as what they should be. */
export type ProtoErrorCode =
  /** The bytes are no message of the kind asked for. */
  | 'malformed-message'
  /** A number does not fit: above 2^53 - 1 or outside the range of its field. */
  | 'number-out-of-range'
  /** Not a UUID in its 36-character or 16-byte form. */
  | 'malformed-uuid'
  /** Not unpadded base64url. */
  | 'malformed-base64url';

/**
 * The one error that `@sotto/proto` throws.
 *
 * `code` is stable and meant for branching; `message` says what was expected. Trying again with the same bytes never helps, so `retryable` is always false.
 */
export class ProtoError extends Error {
  override readonly name = 'ProtoError';
  readonly code: ProtoErrorCode;
  readonly retryable = false;

  constructor(code: ProtoErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }
}
