import cassandra from 'cassandra-driver';
import { RelayError } from '../../relay-error.ts';
import { storeFailure } from './cassandra-failure.ts';

const { errors, types } = cassandra;
const refusals: ReadonlySet<number> = new Set([
  types.responseErrorCodes.badCredentials,
  types.responseErrorCodes.unauthorized,
]);

/** Of certificates that Node does not trust, and of a handshake with a node that speaks no TLS, or nothing else. */
const tlsRefusal = /^(ERR_TLS_|ERR_SSL_|CERT_|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|HOSTNAME_MISMATCH|EPROTO$)/;

/**
 * What an error means to whoever starts a relay, or migrates: what does not go away by itself is `config-invalid`, all else as `storeFailure`.
 * @param localDataCenter As the settings have it.
 */
export function connectFailure(error: unknown, localDataCenter: string): RelayError {
  if (error instanceof RelayError) return error;
  const all = withInner(error);
  const elsewhere = all.find((one) => one instanceof errors.ArgumentError && centersIn(one.message) !== undefined);
  if (elsewhere instanceof Error) {
    const there = centersIn(elsewhere.message);
    return refusal(`Cassandra has no data centre \`${localDataCenter}\`: it has ${there}. Name one of them.`, error);
  }
  if (all.some(isRefusal)) {
    return refusal('Cassandra refuses this relay: look at the user, password and rights in its settings.', error);
  }
  if (all.some((one) => one instanceof Error && 'code' in one && tlsRefusal.test(String(one.code)))) {
    return refusal(
      'No TLS connection to Cassandra could be made: check `cassandra.tls`, its authority, and that the certificates of its nodes name their addresses.',
      error,
    );
  }
  return storeFailure(error);
}

/** The data centres that there are, of the driver's message that the local one is none of them. */
function centersIn(message: string): string | undefined {
  return /(?:data centers: |Available DCs are: )\[(.*)\]/.exec(message)?.[1];
}

function isRefusal(error: unknown): boolean {
  if (error instanceof errors.AuthenticationError) return true;
  return error instanceof errors.ResponseError && refusals.has(error.code);
}

/** An error, with those that a driver that tried several nodes had from each. */
function withInner(error: unknown): readonly unknown[] {
  return error instanceof errors.NoHostAvailableError ? [error, ...Object.values(error.innerErrors)] : [error];
}

function refusal(message: string, cause: unknown): RelayError {
  return new RelayError('config-invalid', message, { cause });
}
