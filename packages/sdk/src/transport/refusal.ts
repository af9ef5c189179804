import { SottoError, type SottoErrorCode, type SottoErrorOptions } from '../sotto-error.ts';
import {
  booleanShape,
  bytesShape,
  durationShape,
  integerShape,
  optionalShape,
  recordShape,
  textShape,
} from './json-shape.ts';

/** Codes of the relay that are codes of ours, and what the caller can do. The relay's own words are not repeated: they come from outside. */
const known: { readonly [Code in SottoErrorCode]?: string } = {
  'number-invalid': 'the relay does not take this number: write it in international form, beginning with +',
  'number-barred': 'the relay does not serve this number: ask its operator',
  'code-wrong': 'the code is wrong: read it again and register again',
  'code-void': 'too many wrong codes: register again to get a new one',
  'code-expired': 'the code is too old: register again to get a new one',
  'code-used': 'the code was used before: register again to get a new one',
  'verification-unknown': 'the relay knows nothing of this verification: register again to get a new code',
  'challenge-required':
    'the relay wants a challenge solved before it sends a code: give the right answer by `challenge`',
  'code-sender-unavailable': 'the relay can not send codes now: try again later',
  'registration-locked': 'the account of this number is locked by a PIN: give it as `pin`, or the recovery key',
  'recovery-key-wrong': 'this is not the recovery key of the account that has this number: read it again',
  'device-list-invalid': 'the relay refused the list of devices',
  'profile-too-large': 'the profile is too large for the relay',
  'avatar-too-large': 'the avatar is too large: at most 1 MiB',
  'user-unknown': 'there is no such account (any more)',
  'group-unknown': 'the relay knows of no such group, or does not count you among its members',
  'group-changed': 'somebody else changed the group at the same time: look at it again',
  'group-full': 'a group has at most 1,024 members: add fewer',
  'rate-limited': 'asked too often: wait for retryAfterMs',
};

const errorBody = recordShape({
  error: recordShape({
    code: textShape(64),
    retryable: optionalShape(booleanShape),
    retryAfterMs: optionalShape(durationShape),
    attemptsLeft: optionalShape(integerShape(0, 1_000)),
    lockSalt: optionalShape(bytesShape(32, 32)),
  }),
});

/** What an answer with a status outside 200..299 means to the caller. */
export function refusalOf(status: number, body: unknown, retryAfter: string | null): SottoError {
  const told = readRefusal(body);
  if (told === undefined) return strangeAnswer(status, retryAfter);
  const options: SottoErrorOptions = {
    relayCode: told.code,
    retryable: told.retryable ?? (status === 408 || status === 429 || status >= 500),
    ...(told.retryAfterMs === undefined ? waitOf(retryAfter) : { retryAfterMs: told.retryAfterMs }),
    ...(told.attemptsLeft === undefined ? {} : { attemptsLeft: told.attemptsLeft }),
    ...(told.lockSalt === undefined ? {} : { lockSalt: told.lockSalt }),
  };
  if (status === 429) return refused('rate-limited', told.code, { ...options, retryable: true });
  return refused(Object.hasOwn(known, told.code) ? (told.code as SottoErrorCode) : 'relay-refused', told.code, options);
}

function refused(code: SottoErrorCode, relayCode: string, options: SottoErrorOptions): SottoError {
  return new SottoError(code, known[code] ?? `the relay refused the request: ${relayCode}`, options);
}

function readRefusal(body: unknown) {
  try {
    const { error } = errorBody(body);
    return /^[a-z0-9-]+$/.test(error.code) ? error : undefined;
  } catch (mismatch) {
    if (mismatch instanceof Error) return undefined;
    throw mismatch;
  }
}

/** An answer that no Sotto relay gave: something stands before it, or in its place. */
function strangeAnswer(status: number, retryAfter: string | null): SottoError {
  if (status === 429) {
    return new SottoError('rate-limited', known['rate-limited'] ?? '', { retryable: true, ...waitOf(retryAfter) });
  }
  if (status === 408 || status === 502 || status === 503 || status === 504) {
    return new SottoError('relay-unreachable', `the relay is not there (status ${status}): try again later`, {
      retryable: true,
      ...waitOf(retryAfter),
    });
  }
  if (status === 0 || (status >= 300 && status < 400)) {
    return new SottoError('relay-misbehaved', 'the address redirects: give the final address of the relay');
  }
  return new SottoError(
    'relay-misbehaved',
    `status ${status} without a Sotto error: check that this is the address of a Sotto relay`,
    { retryable: status >= 500 },
  );
}

/** `Retry-After` in seconds; its form as a date needs a clock that agrees, and is passed over. */
function waitOf(retryAfter: string | null): { retryAfterMs?: number } {
  return retryAfter !== null && /^\d{1,6}$/.test(retryAfter) ? { retryAfterMs: Number(retryAfter) * 1_000 } : {};
}
