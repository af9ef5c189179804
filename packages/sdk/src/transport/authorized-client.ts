import { SottoError } from '../sotto-error.ts';
import type { AuthorizedClient, HttpClient, HttpRequest } from './http-client.ts';
import type { TokenSource } from './token-source.ts';

/** Puts access tokens on requests; a token that the relay refuses is replaced once, whatever the clock says. */
export function authorizedClient(http: HttpClient, tokens: TokenSource): AuthorizedClient {
  return {
    async authorized(request) {
      const token = await tokens.accessToken(request.signal);
      try {
        return await http.ask(request, token);
      } catch (error) {
        if (!isTokenRefusal(error)) throw error;
        return askAgain(http, request, await tokens.replace(token, request.signal));
      }
    },
  };
}

/** A token may have run out on its way, on a machine that slept: that says nothing of what was asked for. */
async function askAgain<T>(http: HttpClient, request: HttpRequest<T>, token: string): Promise<T> {
  try {
    return await http.ask(request, token);
  } catch (error) {
    if (!isTokenRefusal(error)) throw error;
    throw new SottoError('relay-refused', 'the relay refused a token that it had just given: try again later', {
      retryable: true,
      relayCode: error.relayCode ?? 'token-invalid',
      cause: error,
    });
  }
}

/** Whether the relay did not take a token. */
export function isTokenRefusal(error: unknown): error is SottoError {
  return error instanceof SottoError && (error.relayCode === 'token-invalid' || error.relayCode === 'token-missing');
}
