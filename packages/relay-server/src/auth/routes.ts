import type { StreamTicketAnswer, TokenAnswer, TokenRequest } from '@sotto/proto';
import type { FastifyInstance } from 'fastify';
import { answers, objectOf, pieces, withToken } from '../gateway/error-schema.ts';
import { RelayError } from '../relay-error.ts';
import { invalidToken, readBearer } from './bearer.ts';
import type { RequestSessions } from './require-session.ts';
import type { Sessions } from './sessions.ts';
import { readToken } from './token.ts';

/** `/v1/tokens` and `/v1/stream-tickets`. */
export function authRoutes(app: FastifyInstance, sessions: Sessions, requests: RequestSessions): void {
  app.post<{ Body: TokenRequest; Reply: TokenAnswer }>('/v1/tokens', {
    schema: {
      summary: 'Refreshes the access token',
      body: objectOf({ refreshToken: pieces.token, nextRefreshToken: pieces.token }),
      response: answers({ 200: objectOf({ accessToken: pieces.token, accessExpiresInMs: pieces.ms }) }),
    },
    handler: async ({ body }) => {
      const refreshToken = readToken(body.refreshToken);
      const nextRefreshToken = readToken(body.nextRefreshToken);
      if (refreshToken === undefined || nextRefreshToken === undefined) throw invalidToken();
      if (body.refreshToken === body.nextRefreshToken) {
        throw new RelayError('request-malformed', 'nextRefreshToken has to be a new random token.');
      }
      const { token, expiresInMs } = await sessions.refresh(refreshToken, nextRefreshToken);
      return { accessToken: token, accessExpiresInMs: expiresInMs };
    },
  });

  app.post<{ Reply: StreamTicketAnswer }>('/v1/stream-tickets', {
    onRequest: requests.require,
    schema: {
      summary: 'Gives a ticket with which a browser opens one stream',
      security: withToken,
      response: answers({ 200: objectOf({ ticket: pieces.token, expiresInMs: pieces.ms }) }),
    },
    handler: async (request) => {
      const { token, expiresInMs } = await sessions.issueTicket(readBearer(request.headers.authorization));
      return { ticket: token, expiresInMs };
    },
  });
}
