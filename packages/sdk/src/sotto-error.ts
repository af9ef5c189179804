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
  | 'recovery-key-wrong'
  | 'registration-locked'
  | 'pin-invalid'
  | 'code-invalid'
  | 'code-wrong'
  | 'code-void'
  | 'code-expired'
  | 'code-used'
  | 'verification-unknown'
  | 'code-sender-unavailable'
  | 'challenge-required'
  // sending
  | 'text-empty'
  | 'text-too-long'
  | 'text-malformed'
  | 'recipient-invalid'
  | 'blocked'
  | 'message-unknown'
  | 'identity-changed'
  | 'device-list-invalid'
  | 'device-list-forked'
  | 'bundle-invalid'
  | 'user-unknown'
  | 'rate-limited'
  // devices
  | 'link-invalid'
  | 'link-expired'
  | 'link-declined'
  | 'primary-only'
  | 'device-unknown'
  // groups
  | 'title-invalid'
  | 'group-unknown'
  | 'group-not-member'
  | 'group-recipients-left'
  | 'group-not-allowed'
  | 'group-full'
  | 'group-changed'
  | 'group-forked'
  | 'invite-invalid'
  | 'invite-used'
  // the relay
  | 'relay-url-invalid'
  | 'relay-insecure'
  | 'relay-unreachable'
  | 'relay-misbehaved'
  | 'relay-refused'
  // the client
  | 'client-stopped'
  | 'cursor-invalid'
  | 'cursor-expired'
  | 'argument-invalid'
  | 'internal';

/** Why the session of this device has ended: it was taken off the list of its account, the number was registered on another device, the account was deleted, or a copy of the store has used its tokens. */
export type SessionEnd = 'device-revoked' | 'account-replaced' | 'account-deleted' | 'token-reused';

/** What a caller may do about an error, after asking its user. */
export interface SottoErrorAction {
  readonly type: 'accept-identity';
  /** Whose new identity key it is. */
  readonly userId: string;
  /** Trusts the key that is seen now; what waits for this person leaves. */
  accept(): Promise<void>;
}

/** What an error carries besides its code and message. */
export interface SottoErrorOptions {
  /** Whether the same call can succeed later without a change by the caller. */
  readonly retryable?: boolean;
  readonly retryAfterMs?: number;
  /** With `code-wrong` and `registration-locked`: how many tries are left. */
  readonly attemptsLeft?: number;
  /** With `identity-changed`: what the caller may do about it. */
  readonly action?: SottoErrorAction | undefined;
  /** With `session-ended`: why, where that is known. */
  readonly endReason?: SessionEnd | undefined;
  /** With `relay-refused`: the relay's own code. */
  readonly relayCode?: string;
  /** With `registration-locked`: under which the PIN is hashed. */
  readonly lockSalt?: Uint8Array;
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
  readonly endReason: SessionEnd | undefined;
  readonly relayCode: string | undefined;
  readonly lockSalt: Uint8Array | undefined;
  readonly action: SottoErrorAction | undefined;

  constructor(code: SottoErrorCode, message: string, options: SottoErrorOptions = {}) {
    super(message, { cause: options.cause });
    this.code = code;
    this.retryable = options.retryable ?? false;
    this.retryAfterMs = options.retryAfterMs;
    this.attemptsLeft = options.attemptsLeft;
    this.endReason = options.endReason;
    this.relayCode = options.relayCode;
    this.lockSalt = options.lockSalt;
    this.action = options.action;
  }
}
