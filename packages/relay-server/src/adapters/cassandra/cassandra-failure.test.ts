import cassandra from 'cassandra-driver';
import { describe, expect, it } from 'vitest';
import { storeFailure, wasNotSent } from './cassandra-failure.ts';

const { errors, types } = cassandra;
const { responseErrorCodes: codes } = types;

describe('a Cassandra that refuses this relay', () => {
  it.each([
    new errors.ResponseError(codes.unauthorized, 'User relay has no MODIFY permission'),
    new errors.ResponseError(codes.badCredentials, 'Provided username and/or password are incorrect'),
    new errors.AuthenticationError('planted'),
  ])('is tried again while the relay runs: $message', (cause) => {
    const failure = storeFailure(cause);
    expect(failure).toMatchObject({ code: 'store-unavailable', retryable: true, cause });
    expect(failure.message).toContain('`cassandra.password`');
  });

  it('is told from a statement that is wrong', () => {
    const wrong = new errors.ResponseError(codes.invalid, 'Undefined column name');
    expect(storeFailure(wrong)).toMatchObject({ code: 'internal' });
    expect(wasNotSent(wrong)).toBe(true);
  });
});
