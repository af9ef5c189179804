import type { SocketFactory } from '../ports/socket.ts';
import type { AuthorizedClient } from './http-client.ts';
import { requestStreamTicket } from './token-calls.ts';
import type { TokenSource } from './token-source.ts';

/** How an upgrade request says who asks. */
export interface StreamCredential {
  readonly headers: Readonly<Record<string, string>>;
  readonly protocols: readonly string[];
}

/** Gives what opens a stream. */
export interface StreamCredentials {
  /**
   * @param replace whether the relay refused the last one
   * @throws {SottoError} `session-ended`, `not-registered`, and as TokenSource
   */
  credential(replace: boolean, signal: AbortSignal): Promise<StreamCredential>;
}

/** By a header where the platform can set one, else by a ticket that works once (docs/protocol.md, section 3). */
export function streamCredentials(
  credential: SocketFactory['credential'],
  tokens: TokenSource,
  http: AuthorizedClient,
): StreamCredentials {
  let last: string | undefined;
  return {
    async credential(replace, signal) {
      const token =
        replace && last !== undefined ? await tokens.replace(last, signal) : await tokens.accessToken(signal);
      last = token;
      if (credential === 'header') return { headers: { authorization: `Bearer ${token}` }, protocols: [] };
      const { ticket } = await requestStreamTicket(http, { signal });
      return { headers: {}, protocols: ['sotto.v1', `sotto.ticket.${ticket}`] };
    },
  };
}
