import { RelayError } from '../relay-error.ts';

/** The failure of an append behind one of its lane that was not stored. */
export function laneBroken(): RelayError {
  return new RelayError(
    'store-unavailable',
    'An earlier send of this lane was not stored: send both again, in order.',
    {
      retryable: true,
    },
  );
}
