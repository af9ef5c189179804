import type { FastifyInstance } from 'fastify';
import type { Directory } from '../accounts/directory.ts';
import type { RequestSessions } from '../auth/require-session.ts';
import { answers, binary, objectOf, pieces, withToken } from '../gateway/error-schema.ts';
import type { UserId } from '../ports/ids.ts';
import { RelayError } from '../relay-error.ts';
import { type Avatars, avatarBytes } from './avatars.ts';

/** `/v1/profile/avatar` and `/v1/users/{userId}/avatar`. */
export function avatarRoutes(
  app: FastifyInstance,
  requests: RequestSessions,
  avatars: Avatars,
  directory: Directory,
): void {
  app.put<{ Body: unknown }>('/v1/profile/avatar', {
    onRequest: requests.require,
    bodyLimit: avatarBytes,
    config: { tooLarge: 'avatar-too-large' },
    schema: {
      summary: 'Replaces the own avatar',
      consumes: ['application/octet-stream'],
      security: withToken,
      response: answers({ 204: { type: 'null' } }),
    },
    handler: async (request, reply) => {
      const { body } = request;
      if (!(body instanceof Uint8Array) || body.length === 0) {
        throw new RelayError('request-malformed', 'Send the encrypted avatar as application/octet-stream.');
      }
      const { userId } = await requests.again(request);
      await avatars.put(userId, body);
      try {
        // Whoever ends a session ends its tokens first, then deletes the avatar: either they find this one, or it is found here.
        await requests.again(request);
      } catch (error) {
        await avatars.delete(userId);
        throw error;
      }
      return reply.status(204).send(null);
    },
  });

  app.delete('/v1/profile/avatar', {
    onRequest: requests.require,
    schema: {
      summary: 'Takes the own avatar away',
      security: withToken,
      response: answers({ 204: { type: 'null' } }),
    },
    handler: async (request, reply) => {
      await avatars.delete(requests.of(request).userId);
      return reply.status(204).send(null);
    },
  });

  app.get<{ Params: { userId: string } }>('/v1/users/:userId/avatar', {
    onRequest: requests.require,
    schema: {
      summary: 'The encrypted avatar of an account',
      security: withToken,
      params: objectOf({ userId: pieces.uuid }),
      response: answers({ 200: binary }),
    },
    handler: async ({ params }, reply) => {
      const userId = params.userId as UserId;
      // An account that has ended shows nothing, even where its avatar could not be deleted.
      const isThere = (await directory.deviceList(userId)) !== undefined;
      const bytes = isThere ? await avatars.get(userId) : undefined;
      if (bytes === undefined) throw new RelayError('not-found', 'This account has no avatar.');
      return reply.type('application/octet-stream').send(Buffer.from(bytes));
    },
  });
}
