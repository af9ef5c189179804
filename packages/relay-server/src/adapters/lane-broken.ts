import type { MailOrder } from '../ports/mailbox.ts';
import { RelayError } from '../relay-error.ts';

/** The failure of an append behind one of its lane that was not stored. */
export function laneBroken({ refused = false }: Partial<MailOrder> = {}): RelayError {
  if (refused) {
    const message = 'An earlier send of this lane was not accepted: settle it, then open a new lane.';
    return new RelayError('superseded', message, { retryable: true });
  }
  return new RelayError(
    'store-unavailable',
    'An earlier send of this lane was not stored: send both again, in order.',
    {
      retryable: true,
    },
  );
}
