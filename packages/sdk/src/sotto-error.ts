/** Codes of everything that the SDK throws; docs of each method name theirs. Codes that the relay answers with are passed on as they are. */
export type SottoErrorCode =
  // the store
  | 'store-locked'
  | 'store-fenced'
  | 'store-closed'
  | 'store-corrupt'
  | 'store-key-wrong'
  | 'store-newer'
  | 'store-unavailable'
  // the account
  | 'not-registered'
  | 'already-registered'
  | 'session-ended'
  | 'number-invalid'
  | 'number-barred'
  | 'number-unknown'
  | 'username-invalid'
  | 'avatar-too-large'
  | 'profile-too-large'
  | 'recovery-key-invalid'
  | 'code-invalid'
  | 'code-wrong'
  | 'code-void'
  | 'code-expired'
  | 'code-used'
  | 'verification-unknown'
  | 'code-sender-unavailable'
  // sending
  | 'text-empty'
  | 'text-too-long'
  | 'text-malformed'
  | 'recipient-invalid'
  | 'message-unknown'
  | 'identity-changed'
  | 'device-list-invalid'
  | 'bundle-invalid'
  | 'user-unknown'
  | 'rate-limited'
  // the relay
  | 'relay-url-invalid'
  | 'relay-unreachable'
  | 'relay-misbehaved'
  | 'relay-refused'
  // the client
  | 'client-stopped'
  | 'cursor-invalid'
  | 'argument-invalid'
  | 'internal';

/** What an error carries besides its code and message. */
export interface SottoErrorOptions {
  /** Whether the same call can succeed later without a change by the caller. */
  readonly retryable?: boolean;
  readonly retryAfterMs?: number;
  /** With `code-wrong`: how many tries are left. */
  readonly attemptsLeft?: number;
  /** With `relay-refused`: the relay's own code. */
  readonly relayCode?: string;
  readonly cause?: unknown;
}

/**
 * The one error that the SDK and its stores throw.
 *
 * Branch on `code`; `message` says what to do next and never holds a secret, a plaintext or a number.
 */
export class SottoError extends Error {
  override readonly name = 'SottoError';
  readonly code: SottoErrorCode;
  readonly retryable: boolean;
  readonly retryAfterMs: number | undefined;
  readonly attemptsLeft: number | undefined;
  readonly relayCode: string | undefined;

  constructor(code: SottoErrorCode, message: string, options: SottoErrorOptions = {}) {
    super(message, { cause: options.cause });
    this.code = code;
    this.retryable = options.retryable ?? false;
    this.retryAfterMs = options.retryAfterMs;
    this.attemptsLeft = options.attemptsLeft;
    this.relayCode = options.relayCode;
  }
}
