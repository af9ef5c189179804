import type {
  AccountAnswer,
  DeletionRequest,
  LockRequest,
  NumberRequest,
  RecoveryAnswer,
  RecoveryRequest,
} from '@sotto/proto';
import type { FastifyInstance } from 'fastify';
import type { RequestSessions } from '../auth/require-session.ts';
import { answers, objectOf, pieces, withToken } from '../gateway/error-schema.ts';
import type { AccountCommands } from './account-commands.ts';
import type { Recoveries } from './recoveries.ts';

const codeSchema = { type: 'string', minLength: 1, maxLength: 32 } as const;
const nothing = answers({ 204: { type: 'null' } });

/** `/v1/account` with what is below it, and `/v1/recoveries`. */
export function accountRoutes(
  app: FastifyInstance,
  requests: RequestSessions,
  parts: { readonly commands: AccountCommands; readonly recoveries: Recoveries },
): void {
  const { commands, recoveries } = parts;

  app.post<{ Body: RecoveryRequest; Reply: RecoveryAnswer }>('/v1/recoveries', {
    schema: {
      summary: 'Tells whoever has the code and the root key of an account which one it is',
      body: objectOf({
        verificationId: pieces.uuid,
        code: codeSchema,
        idempotencyKey: pieces.sixteen,
        rootKey: pieces.bytes,
        signature: pieces.bytes,
      }),
      response: answers({ 200: objectOf({ userId: pieces.uuid, deviceList: pieces.bytes }) }),
    },
    handler: ({ body }) => recoveries.find(body),
  });

  app.get<{ Reply: AccountAnswer }>('/v1/account', {
    onRequest: requests.require,
    schema: {
      summary: 'What the relay knows of the own account',
      security: withToken,
      response: answers({
        200: objectOf({
          userId: pieces.uuid,
          deviceId: pieces.count,
          number: pieces.number,
          locked: { type: 'boolean' },
        }),
      }),
    },
    handler: (request) => commands.describe(requests.of(request)),
  });

  app.post<{ Body: DeletionRequest }>('/v1/account/deletion', {
    onRequest: requests.admit,
    // Read before the token counts.
    bodyLimit: 1024,
    schema: {
      summary: 'Ends the account, with all that the relay has of it; the same proof again is success',
      security: withToken,
      body: objectOf({ proof: pieces.bytes }),
      response: nothing,
    },
    handler: async (request, reply) => {
      await commands.delete(requests.find(request), request.body.proof);
      return reply.status(204).send(null);
    },
  });

  app.post<{ Body: NumberRequest }>('/v1/account/number', {
    onRequest: requests.require,
    schema: {
      summary: 'Gives the account another verified number',
      security: withToken,
      body: objectOf({ verificationId: pieces.uuid, code: codeSchema, proof: pieces.bytes, lockSecret: pieces.token }, [
        'lockSecret',
      ]),
      response: nothing,
    },
    handler: async (request, reply) => {
      await commands.moveNumber(requests.of(request), request.body);
      return reply.status(204).send(null);
    },
  });

  app.put<{ Body: LockRequest }>('/v1/account/lock', {
    onRequest: requests.require,
    schema: {
      summary: 'Sets the registration lock, or removes it',
      security: withToken,
      body: objectOf({ proof: pieces.bytes, lock: objectOf({ salt: pieces.token, secret: pieces.token }) }, ['lock']),
      response: nothing,
    },
    handler: async (request, reply) => {
      await commands.putLock(requests.of(request), request.body);
      return reply.status(204).send(null);
    },
  });
}
