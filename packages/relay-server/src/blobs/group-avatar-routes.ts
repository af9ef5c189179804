import { fromBase64Url, type GroupAvatarInvitationRequest } from '@sotto/proto';
import type { FastifyInstance } from 'fastify';
import type { RequestSessions } from '../auth/require-session.ts';
import { answers, binary, objectOf, pieces, withToken } from '../gateway/error-schema.ts';
import type { GroupAvatarPlace } from '../ports/group-avatar-store.ts';
import type { GroupId } from '../ports/ids.ts';
import { RelayError } from '../relay-error.ts';
import { avatarBytes } from './avatars.ts';
import type { GroupAvatars } from './group-avatars.ts';

const params = objectOf({ groupId: pieces.token, location: pieces.token });

interface OfAvatar {
  readonly Params: { readonly groupId: string; readonly location: string };
}

/** `/v1/groups/{groupId}/avatars/{location}`, and the same by a link. */
export function groupAvatarRoutes(app: FastifyInstance, requests: RequestSessions, avatars: GroupAvatars): void {
  const onRequest = requests.require;

  app.put<OfAvatar & { Body: unknown }>('/v1/groups/:groupId/avatars/:location', {
    onRequest,
    bodyLimit: avatarBytes,
    config: { tooLarge: 'avatar-too-large' },
    schema: {
      summary: 'Stores an avatar at a location that the client has chosen at random; a record names it within two days',
      consumes: ['application/octet-stream'],
      security: withToken,
      params,
      response: answers({ 204: { type: 'null' } }),
    },
    handler: async (request, reply) => {
      const { body } = request;
      if (!(body instanceof Uint8Array) || body.length === 0) {
        throw new RelayError('request-malformed', 'Send the encrypted avatar as application/octet-stream.');
      }
      const { userId } = await requests.again(request);
      await avatars.put(placeOf(request.params), userId, body);
      return reply.status(204).send(null);
    },
  });

  app.get<OfAvatar>('/v1/groups/:groupId/avatars/:location', {
    onRequest,
    schema: {
      summary: 'An encrypted avatar of a group, for its members',
      security: withToken,
      params,
      response: answers({ 200: binary }),
    },
    handler: async (request, reply) => {
      const bytes = await avatars.get(placeOf(request.params), requests.of(request).userId);
      return reply.type('application/octet-stream').send(Buffer.from(bytes));
    },
  });

  app.post<OfAvatar & { Body: GroupAvatarInvitationRequest }>('/v1/groups/:groupId/avatars/:location/invitation', {
    onRequest,
    schema: {
      summary: 'An encrypted avatar of a group, for whoever has the token of an open invite',
      security: withToken,
      params,
      body: objectOf({ inviteToken: pieces.token }),
      response: answers({ 200: binary }),
    },
    handler: async (request, reply) => {
      const bytes = await avatars.getInvited(placeOf(request.params), request.body.inviteToken);
      return reply.type('application/octet-stream').send(Buffer.from(bytes));
    },
  });
}

function placeOf({ groupId, location }: OfAvatar['Params']): GroupAvatarPlace {
  return { groupId: fromBase64Url(groupId) as GroupId, location: fromBase64Url(location) };
}
