import {
  fromBase64Url,
  type GroupAppendAnswer,
  type GroupAppendRequest,
  type GroupCheckpointBody,
  type GroupInvitationAnswer,
  type GroupInvitationRequest,
  type GroupInviteRequest,
  type GroupLogAnswer,
  type GroupMembersAnswer,
  type GroupMembersChange,
  type GroupsAnswer,
  toBase64Url,
} from '@sotto/proto';
import type { FastifyInstance } from 'fastify';
import type { RequestSessions } from '../auth/require-session.ts';
import { answers, objectOf, pieces, withToken } from '../gateway/error-schema.ts';
import type { GroupStore } from '../ports/group-store.ts';
import type { GroupId } from '../ports/ids.ts';
import type { GroupLog } from './group-log.ts';

/** The most groups of one answer. */
const mostGroups = 500;
/** What is sealed, in base64url. */
const bodyBytes = 512 * 1024;

const revision = { type: 'integer', minimum: 1, maximum: Number.MAX_SAFE_INTEGER } as const;
const params = objectOf({ groupId: pieces.token });
const people = { type: 'array', items: pieces.uuid } as const;
const membersChange = { added: people, removed: people };
const avatarPlace = { anyOf: [pieces.token, { type: 'null' }] } as const;
const log = { records: { type: 'array', items: pieces.bytes }, firstRevision: revision, lastRevision: pieces.count };
const checkpointSchema = objectOf({ revision, checkpoint: pieces.bytes });
const nothing = answers({ 204: { type: 'null' } });

interface OfGroup {
  readonly Params: { readonly groupId: string };
}

/** `/v1/groups` with what is below it. */
export function groupRoutes(
  app: FastifyInstance,
  requests: RequestSessions,
  parts: { readonly log: GroupLog; readonly groups: GroupStore },
): void {
  const onRequest = requests.require;

  app.get<{ Querystring: { after?: string }; Reply: GroupsAnswer }>('/v1/groups', {
    onRequest,
    schema: {
      summary: 'The groups of which the own account is a member, 500 at most of those after an id',
      security: withToken,
      querystring: objectOf({ after: pieces.token }, ['after']),
      response: answers({
        200: objectOf({
          groups: { type: 'array', items: objectOf({ groupId: pieces.token, revision }) },
        }),
      }),
    },
    handler: async (request) => {
      const { after } = request.query;
      const { userId } = requests.of(request);
      const groups = await parts.groups.groupsOf(userId, after === undefined ? undefined : idOf(after), mostGroups);
      return { groups: groups.map((group) => ({ groupId: toBase64Url(group.groupId), revision: group.revision })) };
    },
  });

  app.get<OfGroup & { Reply: GroupMembersAnswer }>('/v1/groups/:groupId/members', {
    onRequest,
    schema: {
      summary: 'Who is a member, as the relay counts',
      security: withToken,
      params,
      response: answers({ 200: objectOf({ members: people }) }),
    },
    handler: async (request) => ({
      members: await parts.log.members(idOf(request.params.groupId), requests.of(request).userId),
    }),
  });

  app.post<OfGroup & { Body: GroupMembersChange; Reply: GroupMembersAnswer }>('/v1/groups/:groupId/members', {
    onRequest,
    bodyLimit: bodyBytes,
    schema: {
      summary: 'Repairs the table of members where it is not what the log says',
      security: withToken,
      params,
      body: objectOf(membersChange),
      response: answers({ 200: objectOf({ members: people }) }),
    },
    handler: async (request) => {
      const { userId } = await requests.again(request);
      return { members: await parts.log.repair(idOf(request.params.groupId), userId, request.body) };
    },
  });

  app.post<OfGroup & { Body: GroupAppendRequest; Reply: GroupAppendAnswer }>('/v1/groups/:groupId/records', {
    onRequest,
    bodyLimit: bodyBytes,
    schema: {
      summary: 'Appends a record to the log, if it has come to the revision before; the first one makes the group',
      security: withToken,
      params,
      body: objectOf({ record: pieces.bytes, ...membersChange, avatar: avatarPlace, inviteToken: pieces.token }, [
        'avatar',
        'inviteToken',
      ]),
      response: answers({ 200: objectOf({ revision }) }),
    },
    handler: async (request) => {
      const { userId } = await requests.again(request);
      return { revision: await parts.log.append(idOf(request.params.groupId), userId, request.body) };
    },
  });

  app.get<OfGroup & { Querystring: { after?: string }; Reply: GroupLogAnswer }>('/v1/groups/:groupId/records', {
    onRequest,
    schema: {
      summary: 'A page of the log, after a revision',
      security: withToken,
      params,
      querystring: objectOf({ after: { type: 'string', pattern: '^(0|[1-9]\\d{0,14})$' } }, ['after']),
      response: answers({ 200: objectOf(log) }),
    },
    handler: (request) => {
      const after = Number(request.query.after ?? '0');
      return parts.log.records(idOf(request.params.groupId), requests.of(request).userId, after);
    },
  });

  app.put<OfGroup & { Body: GroupCheckpointBody }>('/v1/groups/:groupId/checkpoint', {
    onRequest,
    bodyLimit: bodyBytes,
    schema: {
      summary: 'Keeps a checkpoint, unless a newer one is kept',
      security: withToken,
      params,
      body: checkpointSchema,
      response: nothing,
    },
    handler: async (request, reply) => {
      const { userId } = await requests.again(request);
      await parts.log.putCheckpoint(idOf(request.params.groupId), userId, request.body);
      return reply.status(204).send(null);
    },
  });

  app.get<OfGroup & { Reply: GroupCheckpointBody }>('/v1/groups/:groupId/checkpoint', {
    onRequest,
    schema: {
      summary: 'The newest checkpoint',
      security: withToken,
      params,
      response: answers({ 200: checkpointSchema }),
    },
    handler: (request) => parts.log.checkpoint(idOf(request.params.groupId), requests.of(request).userId),
  });

  app.put<OfGroup & { Body: GroupInviteRequest }>('/v1/groups/:groupId/invite', {
    onRequest,
    bodyLimit: bodyBytes,
    schema: {
      summary: 'Opens an invite in place of the one before',
      security: withToken,
      params,
      body: objectOf({ tokenHash: pieces.token, revision, box: pieces.bytes }),
      response: nothing,
    },
    handler: async (request, reply) => {
      const { userId } = await requests.again(request);
      await parts.log.openInvite(idOf(request.params.groupId), userId, request.body);
      return reply.status(204).send(null);
    },
  });

  app.delete<OfGroup>('/v1/groups/:groupId/invite', {
    onRequest,
    schema: { summary: 'Closes the invite', security: withToken, params, response: nothing },
    handler: async (request, reply) => {
      await parts.log.closeInvite(idOf(request.params.groupId), requests.of(request).userId);
      return reply.status(204).send(null);
    },
  });

  app.post<OfGroup & { Body: GroupInvitationRequest; Reply: GroupInvitationAnswer }>('/v1/groups/:groupId/invitation', {
    onRequest,
    schema: {
      summary: 'What an open invite shows to whoever has its token',
      security: withToken,
      params,
      body: objectOf({ inviteToken: pieces.token, after: pieces.count }, ['after']),
      response: answers({ 200: objectOf({ box: pieces.bytes, boxRevision: revision, ...log }) }),
    },
    handler: ({ params: { groupId }, body }) => parts.log.invitation(idOf(groupId), body),
  });
}

function idOf(text: string): GroupId {
  return fromBase64Url(text) as GroupId;
}
