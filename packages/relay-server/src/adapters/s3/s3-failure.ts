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

/**
 * What an error means when the relay starts: what was refused then is for the operator, `config-invalid` with the settings to look at; all else as {@link storeFailure}.
 * @param bucket As the settings have it.
 */
export function openFailure(error: unknown, bucket: string): RelayError {
  if (error instanceof RelayError) return error;
  const what = adviceOn(error, bucket);
  return what === undefined ? storeFailure(error) : new RelayError('config-invalid', what, { cause: error });
}

/** S3's rules, https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html */
const bucketName = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;

/** What to do about a server that does not do what it is asked; `undefined` when that may pass by itself. */
function adviceOn(error: unknown, bucket: string): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const name = error.name;
  const isOfName = name === 'InvalidBucketName' || name === 'EndpointError';
  // The answer to a HEAD has no words: whoever got one for a name against the rules has the name to blame.
  if (isOfName || ([400, 405].includes(statusOf(error)) && !bucketName.test(bucket))) {
    return `the object store takes no bucket of the name that \`blobs.s3.bucket\` has (${bucket}): a name has 3 to 63 of a-z, 0-9, \`-\` and \`.\`, a letter or a digit first and last`;
  }
  if (name === 'CredentialsProviderError') {
    return 'there are no credentials for the object store: set `blobs.s3.accessKeyId` and `blobs.s3.secretAccessKey`, or give this machine a role';
  }
  if (name === 'PermanentRedirect' || name === 'AuthorizationHeaderMalformed' || statusOf(error) === 301) {
    return `the object store has the bucket ${bucket} elsewhere: look at \`blobs.s3.region\` and \`blobs.s3.endpoint\``;
  }
  if (isRefusal(error)) {
    return `the object store refuses this relay: look at \`blobs.s3.accessKeyId\`, \`blobs.s3.secretAccessKey\`, the rights of that key to the bucket ${bucket} (\`blobs.s3.bucket\`), \`blobs.s3.endpoint\` and \`blobs.s3.region\`, and at this machine's clock`;
  }
  if (!(error instanceof S3ServiceException) || isPassing(error)) return undefined;
  const said = /^[A-Za-z0-9]{1,64}$/.test(name) ? `${name}, ` : '';
  return `the object store does not do what it is asked (${said}HTTP ${statusOf(error)}): look at \`blobs.s3.bucket\` (${bucket}), \`blobs.s3.region\`, \`blobs.s3.endpoint\` and \`blobs.s3.pathStyle\``;
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
