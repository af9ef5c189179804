/** Codes of everything that the relay refuses, on HTTP and on the stream; docs/protocol.md says what to do with each. */
export type RelayErrorCode =
  | 'request-malformed'
  | 'request-too-slow'
  | 'request-too-large'
  | 'not-found'
  | 'method-not-allowed'
  | 'number-invalid'
  | 'number-barred'
  | 'challenge-required'
  | 'code-wrong'
  | 'code-void'
  | 'code-expired'
  | 'code-used'
  | 'verification-unknown'
  | 'code-sender-unavailable'
  | 'registration-locked'
  | 'recovery-key-wrong'
  | 'proof-invalid'
  | 'user-id-taken'
  | 'idempotency-mismatch'
  | 'signature-invalid'
  | 'key-malformed'
  | 'prekey-conflict'
  | 'prekeys-full'
  | 'devices-changed'
  | 'device-list-invalid'
  | 'devices-full'
  | 'link-unknown'
  | 'token-missing'
  | 'token-invalid'
  | 'token-reused'
  | 'device-revoked'
  | 'account-replaced'
  | 'account-deleted'
  | 'sealed-refused'
  | 'user-unknown'
  | 'profile-too-large'
  | 'avatar-too-large'
  | 'avatar-location-used'
  | 'group-unknown'
  | 'group-changed'
  | 'group-full'
  | 'group-invite-used'
  | 'origin-refused'
  | 'protocol-unsupported'
  | 'frame-malformed'
  | 'hello-expected'
  | 'send-malformed'
  | 'superseded'
  | 'send-claimed'
  | 'ack-malformed'
  | 'ephemeral-too-large'
  | 'rate-limited'
  | 'draining'
  | 'config-invalid'
  | 'store-unavailable'
  | 'store-corrupt'
  | 'store-newer'
  | 'store-locked'
  | 'internal';

/** What an error carries besides its code and message. */
export interface RelayErrorOptions {
  readonly retryable?: boolean;
  readonly retryAfterMs?: number;
  readonly attemptsLeft?: number;
  /** With `devices-changed`: an encoded SignedDeviceList. */
  readonly deviceList?: Uint8Array;
  /** With `registration-locked`: under which the PIN is hashed. */
  readonly lockSalt?: Uint8Array;
  readonly cause?: unknown;
}

/**
 * The one error that `@sotto/relay-server` throws and answers with.
 *
 * Branch on `code`; `message` says what to do next and never holds what a client sent.
 */
export class RelayError extends Error {
  override readonly name = 'RelayError';
  readonly code: RelayErrorCode;
  readonly retryable: boolean;
  readonly retryAfterMs: number | undefined;
  readonly attemptsLeft: number | undefined;
  readonly deviceList: Uint8Array | undefined;
  readonly lockSalt: Uint8Array | undefined;

  constructor(code: RelayErrorCode, message: string, options: RelayErrorOptions = {}) {
    super(message, { cause: options.cause });
    this.code = code;
    this.retryable = options.retryable ?? false;
    this.retryAfterMs = options.retryAfterMs;
    this.attemptsLeft = options.attemptsLeft;
    this.deviceList = options.deviceList;
    this.lockSalt = options.lockSalt;
  }
}
