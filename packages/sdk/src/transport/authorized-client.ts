import { SottoError } from '../sotto-error.ts';
import type { AuthorizedClient, HttpClient } from './http-client.ts';
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
        return http.ask(request, await tokens.replace(token, request.signal));
      }
    },
  };
}

/** Whether the relay did not take a token. */
export function isTokenRefusal(error: unknown): boolean {
  return error instanceof SottoError && (error.relayCode === 'token-invalid' || error.relayCode === 'token-missing');
}
