import { RelayError } from '../../relay-error.ts';

/** How often something is tried anew that others were quicker than. */
const rounds = 50;

/**
 * Tries a change that somebody else may be quicker with (`outrun`: nothing was changed) until it is made or refused.
 * @throws {RelayError} `store-unavailable` after 50 tries
 */
export async function untilDone<T>(attempt: () => Promise<T | 'outrun'>): Promise<T> {
  for (let round = 0; round < rounds; round++) {
    const outcome = await attempt();
    if (outcome !== 'outrun') return outcome as T;
  }
  throw new RelayError('store-unavailable', 'too many others change the same account or number: try again', {
    retryable: true,
  });
}
