import type { Overlay } from '../crypto/overlay.ts';
import type { AccountRecord } from '../ports/account-record.ts';
import { type SessionEnd, SottoError } from '../sotto-error.ts';

/** What to do next. Those that know no reason name both ways: a device that was revoked and only registered its number again would end the session of the device that revoked it. */
const messages: Readonly<Record<SessionEnd | 'unknown', string>> = {
  'device-revoked':
    'this device was taken out of its account, by its owner on the first device or since it was not connected for 45 days: call linkDevice() to come back in; register() would end the sessions of the first device and all others',
  'account-replaced':
    'the number of this account was registered on another device, which ended the session of this one: if its owner did that, call linkDevice() and let that device add this one; if not, call register() to take the number back, then registrationLock.set()',
  'account-deleted': 'the account was deleted: call register() to make another one; the history stays here',
  'token-reused':
    'a copy of the store of this device was in use, so its session was ended: use one copy only, then call linkDevice() if it was linked to another device, else register() with the recovery key',
  unknown:
    'the relay ended the session of this device: call linkDevice() again if it was linked to another one, else register(), which ends the sessions of all other devices of the number',
};

const ends = (Object.keys(messages) as (SessionEnd | 'unknown')[]).filter((end) => end !== 'unknown');

/**
 * The account, if this device still has it.
 * @throws {SottoError} `not-registered`, `session-ended`
 */
export function usableAccount(account: AccountRecord | undefined): AccountRecord {
  if (account === undefined) {
    throw new SottoError('not-registered', 'this store has no account yet: call register() first');
  }
  if (account.ended) throw sessionEnded(account.endReason);
  return account;
}

/**
 * The account, for what its owner wants to do with it: not while it is being deleted.
 * @throws {SottoError} `not-registered`, `session-ended`
 */
export function stayingAccount(record: AccountRecord | undefined): AccountRecord {
  const account = usableAccount(record);
  if (account.deletion !== undefined) {
    throw new SottoError('session-ended', 'this account is being deleted: account.deleted tells when it is done', {
      endReason: 'account-deleted',
    });
  }
  return account;
}

/**
 * Refuses an operation that would leave something of an account that has ended: a session, a key, a row of the outbox. What was known when the operation was asked for may be over when it runs.
 * @throws {SottoError} `session-ended`
 */
export async function refuseWhenEnded(overlay: Overlay): Promise<void> {
  const account = await overlay.get('account', {});
  if (account?.ended) throw sessionEnded(account.endReason);
}

/** Whether the account of this store has ended. */
export async function hasEnded(overlay: Overlay): Promise<boolean> {
  return (await overlay.get('account', {}))?.ended === true;
}

/**
 * The secret of the root key, which the primary device alone has.
 * @throws {SottoError} `primary-only`
 */
export function rootSecretOf({ rootSecret }: AccountRecord): Uint8Array {
  if (rootSecret !== undefined) return rootSecret;
  throw new SottoError('primary-only', 'this device was linked to another one: do it there, on the first device');
}

/** The error of whoever wants something of an account that has ended; its message says what to do next. */
export function sessionEnded(endReason: SessionEnd | undefined, cause?: unknown): SottoError {
  return new SottoError('session-ended', messages[endReason ?? 'unknown'], { endReason, cause });
}

/** Why the relay says that a session has ended, if that is what its code says. */
export function sessionEndOf(relayCode: string | undefined): SessionEnd | undefined {
  return ends.find((end) => end === relayCode);
}
