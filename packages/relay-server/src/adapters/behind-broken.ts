import { RelayError } from '../relay-error.ts';

/** The failure of a record behind one of its fence that was not kept. */
export function behindBroken(): RelayError {
  return new RelayError('store-unavailable', 'A record before this one was not kept.', { retryable: true });
}
