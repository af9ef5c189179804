import { RelayError } from '../relay-error.ts';

/** A link, or a code for a new device, that is unknown, late, used, or another's: which one is not told. */
export function unknownLink(): RelayError {
  return new RelayError('link-unknown', 'This link is not there (any more): begin the linking anew on the new device.');
}
