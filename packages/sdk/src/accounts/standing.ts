import type { Overlay } from '../crypto/overlay.ts';
import type { AccountRecord } from '../ports/account-record.ts';
import { SottoError } from '../sotto-error.ts';

/** Names both ways: a device that was revoked and only registered its number again would end the session of the device that revoked it. */
export const sessionEndedMessage =
  'the relay ended the session of this device: call linkDevice() again if it was linked to another one, else register(), which ends the sessions of all other devices of the number';

/**
 * The account, if this device still has it.
 * @throws {SottoError} `not-registered`, `session-ended`
 */
export function usableAccount(account: AccountRecord | undefined): AccountRecord {
  if (account === undefined) {
    throw new SottoError('not-registered', 'this store has no account yet: call register() first');
  }
  if (account.ended) throw sessionEnded();
  return account;
}

/**
 * The account, for what its owner wants to do with it: not while it is being deleted.
 * @throws {SottoError} `not-registered`, `session-ended`
 */
export function stayingAccount(record: AccountRecord | undefined): AccountRecord {
  const account = usableAccount(record);
  if (account.deletion !== undefined) {
    throw new SottoError('session-ended', 'this account is being deleted: account.deleted tells when it is done');
  }
  return account;
}

/**
 * Refuses an operation that would leave something of an account that has ended: a session, a key, a row of the outbox. What was known when the operation was asked for may be over when it runs.
 * @throws {SottoError} `session-ended`
 */
export async function refuseWhenEnded(overlay: Overlay): Promise<void> {
  if (await hasEnded(overlay)) throw sessionEnded();
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

function sessionEnded(): SottoError {
  return new SottoError('session-ended', sessionEndedMessage);
}
