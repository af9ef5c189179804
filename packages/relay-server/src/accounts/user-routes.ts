import {
  type DeviceListAnswer,
  type LookupAnswer,
  type LookupRequest,
  type ProfileAnswer,
  type ProfileRequest,
  toBase64Url,
} from '@sotto/proto';
import type { FastifyInstance } from 'fastify';
import { invalidToken } from '../auth/bearer.ts';
import type { RequestSessions } from '../auth/require-session.ts';
import type { Avatars } from '../blobs/avatars.ts';
import { answers, objectOf, pieces, withToken } from '../gateway/error-schema.ts';
import type { Limits } from '../limits/limits.ts';
import { networkOfRequest } from '../limits/request-limits.ts';
import type { AccountStore } from '../ports/account-store.ts';
import type { UserId } from '../ports/ids.ts';
import { readAccessKey } from './access-key.ts';
import { type Directory, unknownUser } from './directory.ts';
import { readNumber } from './phone-number.ts';
import { readProfile } from './profile.ts';
import type { RelayKey } from './relay-key.ts';

/** What the routes work with. */
export interface UserRouteParts {
  readonly accounts: AccountStore;
  readonly directory: Directory;
  readonly avatars: Avatars;
  readonly limits: Limits;
  readonly key: RelayKey;
}

const mostNumbers = 100;
const userParams = objectOf({ userId: pieces.uuid });
const deviceListSchema = objectOf({ deviceList: pieces.bytes });

/** `/v1/lookups`, `/v1/profile` and what `/v1/users/{userId}` has of them. */
export function userRoutes(app: FastifyInstance, requests: RequestSessions, parts: UserRouteParts): void {
  const { accounts, directory, avatars, limits, key } = parts;

  app.post<{ Body: LookupRequest; Reply: LookupAnswer }>('/v1/lookups', {
    onRequest: requests.require,
    schema: {
      summary: 'Finds the accounts of phone numbers',
      security: withToken,
      body: objectOf({ numbers: { type: 'array', items: pieces.number, maxItems: mostNumbers } }),
      response: answers({
        200: objectOf({ users: { type: 'array', items: objectOf({ number: pieces.number, userId: pieces.uuid }) } }),
      }),
    },
    handler: async (request) => {
      const numbers = [...new Set(request.body.numbers.map(readNumber))];
      const macs = numbers.map((number) => key.macOfNumber(number));
      await limits.takeLookups(requests.of(request).userId, networkOfRequest(request), macs);
      const found = await accounts.byNumbers(macs);
      return {
        users: numbers.flatMap((number, at) => {
          const userId = found[at];
          return userId === undefined ? [] : [{ number, userId }];
        }),
      };
    },
  });

  app.get<{ Params: { userId: string }; Reply: DeviceListAnswer }>('/v1/users/:userId/devices', {
    onRequest: requests.require,
    schema: {
      summary: 'The signed device list of an account',
      security: withToken,
      params: userParams,
      response: answers({ 200: deviceListSchema }),
    },
    handler: async ({ params }) => {
      const list = await directory.deviceList(params.userId as UserId);
      if (list === undefined) throw unknownUser();
      return { deviceList: toBase64Url(list.signed) };
    },
  });

  app.put<{ Body: ProfileRequest }>('/v1/profile', {
    onRequest: requests.require,
    schema: {
      summary: 'Replaces the own profile',
      security: withToken,
      body: objectOf({ profile: pieces.bytes, accessKey: pieces.sixteen }, ['accessKey']),
      response: answers({ 204: { type: 'null' } }),
    },
    handler: async (request, reply) => {
      const { profile, accessKey } = request.body;
      const device = await requests.again(request);
      const stored = await accounts.putProfile(device, readProfile(profile), readAccessKey(accessKey));
      directory.forget(device.userId);
      if (stored === 'unknown') throw invalidToken();
      return reply.status(204).send(null);
    },
  });

  app.get<{ Params: { userId: string }; Reply: ProfileAnswer }>('/v1/users/:userId/profile', {
    onRequest: requests.require,
    schema: {
      summary: 'The encrypted profile of an account',
      security: withToken,
      params: userParams,
      response: answers({ 200: objectOf({ profile: pieces.bytes, hasAvatar: { type: 'boolean' } }) }),
    },
    handler: async ({ params }) => {
      const userId = params.userId as UserId;
      const profile = await accounts.profile(userId);
      if (profile === undefined) throw unknownUser();
      return { profile: toBase64Url(profile), hasAvatar: await avatars.has(userId) };
    },
  });
}
