import { STATUS_CODES } from 'node:http';
import { type ErrorBody, ProtoError, toBase64Url } from '@sotto/proto';
import { RelayError, type RelayErrorCode } from '../relay-error.ts';

/** An error as HTTP tells it. */
export interface ErrorAnswer {
  readonly status: number;
  /** The status in words. */
  readonly reason: string;
  readonly body: ErrorBody;
  readonly retryAfterSeconds: number | undefined;
}

const statuses: Readonly<Partial<Record<RelayErrorCode, number>>> = {
  'request-malformed': 400,
  'number-invalid': 400,
  'signature-invalid': 400,
  'key-malformed': 400,
  'device-list-invalid': 400,
  'token-missing': 401,
  'token-invalid': 401,
  'token-reused': 401,
  'device-revoked': 401,
  'account-replaced': 401,
  'account-deleted': 401,
  'sealed-refused': 401,
  'number-barred': 403,
  'challenge-required': 403,
  'code-wrong': 403,
  'recovery-key-wrong': 403,
  'proof-invalid': 403,
  'origin-refused': 403,
  'not-found': 404,
  'verification-unknown': 404,
  'user-unknown': 404,
  'group-unknown': 404,
  'link-unknown': 404,
  'method-not-allowed': 405,
  'user-id-taken': 409,
  'idempotency-mismatch': 409,
  'prekey-conflict': 409,
  'prekeys-full': 409,
  'devices-changed': 409,
  'devices-full': 409,
  'group-changed': 409,
  'group-full': 409,
  'group-invite-used': 409,
  'avatar-location-used': 409,
  'code-void': 410,
  'code-expired': 410,
  'code-used': 410,
  'request-too-slow': 408,
  'request-too-large': 413,
  'profile-too-large': 413,
  'avatar-too-large': 413,
  'registration-locked': 423,
  'rate-limited': 429,
  'code-sender-unavailable': 503,
  'store-unavailable': 503,
  draining: 503,
};

/** The answer to any error; what is none of ours is `internal` and tells nothing. */
export function errorAnswer(error: unknown): ErrorAnswer {
  const known = asRelayError(error);
  const status = statuses[known.code] ?? 500;
  const { code, message, retryable, retryAfterMs, attemptsLeft, deviceList, lockSalt } = known;
  return {
    status,
    reason: STATUS_CODES[status] ?? 'Error',
    retryAfterSeconds: retryAfterMs === undefined ? undefined : Math.ceil(retryAfterMs / 1_000),
    body: {
      error: {
        code,
        message,
        retryable,
        ...(retryAfterMs !== undefined && { retryAfterMs }),
        ...(attemptsLeft !== undefined && { attemptsLeft }),
        ...(deviceList !== undefined && { deviceList: toBase64Url(deviceList) }),
        ...(lockSalt !== undefined && { lockSalt: toBase64Url(lockSalt) }),
      },
    },
  };
}

function asRelayError(error: unknown): RelayError {
  if (error instanceof RelayError) return error;
  if (error instanceof ProtoError) {
    return new RelayError('request-malformed', `The request is not well formed: ${error.message}.`);
  }
  return new RelayError('internal', 'Something went wrong in the relay: try again later.', { retryable: true });
}
