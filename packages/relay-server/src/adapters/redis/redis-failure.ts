import { ErrorReply } from 'redis';
import { RelayError } from '../../relay-error.ts';

/** Answers of a Redis that is there, but can't do it now. */
const passing = [
  'LOADING',
  'READONLY',
  'OOM',
  'MISCONF',
  'BUSY',
  'MASTERDOWN',
  'NOREPLICAS',
  'CLUSTERDOWN',
  'TRYAGAIN',
  'ERR max number of clients',
];
/** Answers to who has no right to ask. */
const refused = ['NOAUTH', 'WRONGPASS', 'NOPERM'];

/**
 * What an error of the client means to a caller.
 *
 * `store-unavailable` (retryable) is a Redis that can't be reached, is late, full, a replica, or refuses the credentials by now: whoever asked for a limit or a code has not got it. All else is a bug: `internal`.
 */
export function storeFailure(error: unknown): RelayError {
  if (error instanceof RelayError) return error;
  if (error instanceof ErrorReply) {
    if (begins(error, refused)) return unavailable('lets this relay in: look at user, password and rights', error);
    if (!begins(error, passing)) return unforeseen(error);
  }
  if (error instanceof TypeError || error instanceof RangeError) return unforeseen(error);
  return unavailable('is up, has memory and answers in time', error);
}

/**
 * What an error means when the relay starts: Redis answered and refused is `config-invalid`, for the operator; all else as {@link storeFailure}.
 */
export function openFailure(error: unknown): RelayError {
  if (!(error instanceof ErrorReply) || begins(error, passing)) return storeFailure(error);
  return new RelayError(
    'config-invalid',
    'Redis refuses this relay: look at the user, password, database number and rights in its settings, and that it is Redis 7 or newer',
    { cause: error },
  );
}

/** A Redis that may answer again. */
export function unavailable(advice: string, cause: unknown): RelayError {
  return new RelayError(
    'store-unavailable',
    `the relay can't use its Redis: look whether it ${advice}, then try again`,
    {
      retryable: true,
      cause,
    },
  );
}

function unforeseen(cause: unknown): RelayError {
  return new RelayError('internal', 'the store failed in a way that was not foreseen: see the cause', { cause });
}

function begins({ message }: Error, prefixes: readonly string[]): boolean {
  return prefixes.some((prefix) => message.startsWith(prefix));
}
