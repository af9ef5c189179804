import cassandra from 'cassandra-driver';
import { RelayError } from '../../relay-error.ts';

const { errors, types } = cassandra;
const codes = types.responseErrorCodes;

/** Answers of a server that is there, but can't do it now. */
const passing: ReadonlySet<number> = new Set([
  codes.serverError,
  codes.unavailableException,
  codes.overloaded,
  codes.isBootstrapping,
  codes.truncateError,
  codes.writeTimeout,
  codes.readTimeout,
  codes.readFailure,
  codes.writeFailure,
]);

/** Answers to who may not come in, or not do this. */
const refused: ReadonlySet<number> = new Set([codes.badCredentials, codes.unauthorized]);

/** Answers that come before anything is carried out. */
const early: ReadonlySet<number> = new Set([
  codes.badCredentials,
  codes.unauthorized,
  codes.syntaxError,
  codes.invalid,
  codes.configError,
  codes.protocolError,
  codes.unprepared,
]);

/**
 * What an error of the driver means to a caller.
 *
 * `store-unavailable` (retryable) is a cluster that can't be reached, is too slow or has too few replicas, or refuses this relay by now: rights and passwords are changed while it runs. All else is a bug: `internal`.
 */
export function storeFailure(error: unknown): RelayError {
  if (error instanceof RelayError) return error;
  if (isRefusal(error)) {
    return new RelayError(
      'store-unavailable',
      'Cassandra refuses this relay: look at `cassandra.username` and `cassandra.password` in its settings, and at the rights of that role, then try again',
      { retryable: true, cause: error },
    );
  }
  if (isPassing(error)) return unavailable(error);
  return new RelayError('internal', 'the store failed in a way that was not foreseen: see the cause', { cause: error });
}

/** Whether a statement that failed with this error was certainly not carried out, and never will be. */
export function wasNotSent(error: unknown): boolean {
  if (error instanceof errors.NoHostAvailableError || error instanceof errors.BusyConnectionError) return true;
  if (error instanceof errors.ArgumentError || error instanceof TypeError) return true;
  return error instanceof errors.ResponseError && early.has(error.code);
}

/** A store that may answer again. */
export function unavailable(cause: unknown): RelayError {
  return new RelayError(
    'store-unavailable',
    "the relay can't use its Cassandra cluster: look whether its nodes are up and in time, then try again",
    { retryable: true, cause },
  );
}

function isRefusal(error: unknown): boolean {
  if (error instanceof errors.AuthenticationError) return true;
  return error instanceof errors.ResponseError && refused.has(error.code);
}

function isPassing(error: unknown): boolean {
  if (error instanceof errors.ResponseError) return passing.has(error.code);
  if (error instanceof errors.NoHostAvailableError || error instanceof errors.OperationTimedOutError) return true;
  if (error instanceof errors.BusyConnectionError) return true;
  // A connection that broke while its request was under way.
  return error instanceof Error && 'isSocketError' in error && error.isSocketError === true;
}
