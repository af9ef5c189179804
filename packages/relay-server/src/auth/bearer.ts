import { RelayError } from '../relay-error.ts';
import { readToken } from './token.ts';

/**
 * The token of an `Authorization: Bearer` header (RFC 6750 section 2.1).
 * @throws {RelayError} `token-missing` or `token-invalid`
 */
export function readBearer(header: string | undefined): Uint8Array {
  if (header === undefined) throw missingToken();
  const match = /^Bearer +([^ ]+)$/i.exec(header);
  const token = match?.[1] === undefined ? undefined : readToken(match[1]);
  if (token === undefined) throw invalidToken();
  return token;
}

/** No token at all. */
export function missingToken(): RelayError {
  return new RelayError('token-missing', 'Send `Authorization: Bearer <access token>`.');
}

/** A token that is unknown, has ended or has the wrong form: which one is not told. */
export function invalidToken(): RelayError {
  return new RelayError('token-invalid', 'This token is not valid (any more): refresh it, or register again.');
}
