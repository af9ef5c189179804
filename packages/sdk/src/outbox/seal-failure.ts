import { SottoError, type SottoErrorCode } from '../sotto-error.ts';

/** What sealing may end in for good: words about the recipient. A refusal of any other kind says nothing of the message, which loses nothing by waiting. */
const endings: ReadonlySet<string> = new Set<SottoErrorCode>([
  'user-unknown',
  'bundle-invalid',
  'device-list-invalid',
  'group-unknown',
  'group-not-member',
]);

/** What sealing may end in that the user has to do something about, who wakes the queue by it. */
const waitsForUser: ReadonlySet<string> = new Set<SottoErrorCode>(['identity-changed', 'group-forked']);

/** What follows when something can't be sealed: the user is waited for, it is tried again later, or it fails for good. */
export type SealFailure = 'waits-for-user' | 'later' | 'final';

/**
 * Judges why something could not be sealed.
 * @throws what says nothing of the message: a failure of the store, the end of the client, a defect
 */
export function sealFailure(error: unknown): { readonly failure: SealFailure; readonly error: SottoError } {
  if (!(error instanceof SottoError) || error.code.startsWith('store-') || error.code === 'client-stopped') {
    throw error;
  }
  if (waitsForUser.has(error.code)) return { failure: 'waits-for-user', error };
  return { failure: error.retryable || !endings.has(error.code) ? 'later' : 'final', error };
}
