import type { StreamTicketAnswer, TokenAnswer, TokenRequest } from '@sotto/proto';
import type { AuthorizedClient, CallOptions, HttpClient } from './http-client.ts';
import { durationShape, recordShape, textShape } from './json-shape.ts';

const tokens = recordShape<TokenAnswer>({ accessToken: textShape(512), accessExpiresInMs: durationShape });
const ticket = recordShape<StreamTicketAnswer>({ ticket: textShape(512), expiresInMs: durationShape });

/**
 * Replaces the refresh token and gives an access token: `POST /v1/tokens`. The same pair again is success.
 * @throws {SottoError} `relay-refused` with `relayCode` `token-invalid` or `token-reused`, and as HttpClient
 */
export function refreshTokens(
  http: HttpClient,
  request: TokenRequest,
  options: CallOptions = {},
): Promise<TokenAnswer> {
  return http.ask({
    method: 'POST',
    path: '/v1/tokens',
    body: JSON.stringify(request),
    answer: { type: 'json', shape: tokens },
    signal: options.signal,
  });
}

/** A ticket that opens one stream, for platforms that can't set headers on a WebSocket: `POST /v1/stream-tickets`. */
export function requestStreamTicket(http: AuthorizedClient, options: CallOptions = {}): Promise<StreamTicketAnswer> {
  return http.authorized({
    method: 'POST',
    path: '/v1/stream-tickets',
    answer: { type: 'json', shape: ticket },
    signal: options.signal,
  });
}
