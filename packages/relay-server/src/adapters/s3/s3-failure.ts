import { S3ServiceException } from '@aws-sdk/client-s3';
import { RelayError } from '../../relay-error.ts';

const refusedAdvice =
  'lets this relay in: look at its credentials, region, bucket and rights, and at the clock of this machine';

const missingNames = ['NoSuchKey', 'NoSuchUpload'];

/**
 * What an error of the client means to a caller.
 *
 * `store-unavailable` (retryable) is an object store that can't be reached, is late, too busy, or refuses this relay by now: credentials may be changed while it runs, and what its clients ask for is none of their fault. All else is a bug: `internal`.
 */
export function storeFailure(error: unknown): RelayError {
  if (error instanceof RelayError) return error;
  if (isRefusal(error)) return unavailable(refusedAdvice, error);
  if (error instanceof S3ServiceException && !isPassing(error)) return unforeseen(error);
  if (error instanceof TypeError || error instanceof RangeError) return unforeseen(error);
  return unavailable('is up, has room and answers in time', error);
}

/** What an error means when the relay starts: who is refused then is for the operator, `config-invalid`; all else as {@link storeFailure}. */
export function openFailure(error: unknown): RelayError {
  if (!isRefusal(error)) return storeFailure(error);
  return new RelayError(
    'config-invalid',
    "the object store refuses this relay: look at the endpoint, credentials, region, bucket and rights in its settings, and at this machine's clock",
    { cause: error },
  );
}

/** The HTTP status that came with an error; 0 when none did. */
export function statusOf(error: unknown): number {
  return error instanceof S3ServiceException ? (error.$metadata.httpStatusCode ?? 0) : 0;
}

/** Besides those for what is missing in a bucket, a 404 is about the bucket, or with some servers about the user. */
function isRefusal(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const names = ['PermanentRedirect', 'AuthorizationHeaderMalformed', 'CredentialsProviderError'];
  if (names.includes(error.name) || [301, 401, 403].includes(statusOf(error))) return true;
  return statusOf(error) === 404 && !missingNames.includes(error.name);
}

/** An upload that was deleted meanwhile is begun anew by whoever puts again. */
function isPassing(error: S3ServiceException): boolean {
  const status = statusOf(error);
  return status === 0 || status === 408 || status === 429 || status >= 500 || error.name === 'NoSuchUpload';
}

function unavailable(advice: string, cause: unknown): RelayError {
  const message = `the relay can't use its object store: look whether it ${advice}, then try again`;
  return new RelayError('store-unavailable', message, { retryable: true, cause });
}

function unforeseen(cause: unknown): RelayError {
  return new RelayError('internal', 'the store failed in a way that was not foreseen: see the cause', { cause });
}
