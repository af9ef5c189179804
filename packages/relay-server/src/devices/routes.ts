import {
  type DeviceCodeAnswer,
  type DeviceListAnswer,
  type DeviceListRequest,
  type DeviceRegistrationRequest,
  type DevicesAnswer,
  type LinkAnswer,
  type LinkMessageRequest,
  type LinkPollAnswer,
  type LinkPollRequest,
  type LinkRequest,
  type RegistrationAnswer,
  toBase64Url,
} from '@sotto/proto';
import type { FastifyInstance } from 'fastify';
import type { RequestSessions } from '../auth/require-session.ts';
import { answers, objectOf, pieces, withToken } from '../gateway/error-schema.ts';
import { fullPrekeyUploadSchema, prekeyBodyBytes } from '../keys/prekey-schema.ts';
import type { DeviceRegistrations } from './device-registrations.ts';
import type { Linkings } from './linkings.ts';
import type { OwnDevices } from './own-devices.ts';

/** What the routes work with. */
export interface DeviceRouteParts {
  readonly ownDevices: OwnDevices;
  readonly deviceRegistrations: DeviceRegistrations;
  readonly linkings: Linkings;
}

const linkParams = objectOf({ linkId: { type: 'string' } });

/** `/v1/devices` with what is below it, and `/v1/linking`. */
export function deviceRoutes(app: FastifyInstance, requests: RequestSessions, parts: DeviceRouteParts): void {
  const { ownDevices, deviceRegistrations, linkings } = parts;

  app.get<{ Reply: DevicesAnswer }>('/v1/devices', {
    onRequest: requests.require,
    schema: {
      summary: 'What the relay knows of the own devices beside their list',
      security: withToken,
      response: answers({
        200: objectOf({
          devices: {
            type: 'array',
            items: objectOf(
              {
                deviceId: pieces.count,
                lastSeenDay: { type: 'integer', description: 'The beginning of a day (UTC).' },
                idle: { type: 'boolean' },
                keyless: { type: 'boolean' },
              },
              ['lastSeenDay'],
            ),
          },
        }),
      }),
    },
    handler: (request) => ownDevices.describe(requests.of(request)),
  });

  app.put<{ Body: DeviceListRequest; Reply: DeviceListAnswer }>('/v1/devices', {
    onRequest: requests.require,
    bodyLimit: prekeyBodyBytes,
    schema: {
      summary: 'Stores the next version of the own device list',
      security: withToken,
      body: objectOf({ deviceList: pieces.bytes, prekeys: fullPrekeyUploadSchema }, ['prekeys']),
      response: answers({ 200: objectOf({ deviceList: pieces.bytes }) }),
    },
    handler: async (request) => {
      const { signed } = await ownDevices.replaceList(requests.of(request), request.body);
      return { deviceList: toBase64Url(signed) };
    },
  });

  app.post<{ Body: DeviceRegistrationRequest; Reply: RegistrationAnswer }>('/v1/devices', {
    bodyLimit: prekeyBodyBytes,
    schema: {
      summary: 'Lets a new device join the account that gave it a code and a place on its list',
      body: objectOf({
        code: pieces.token,
        idempotencyKey: pieces.sixteen,
        deviceList: pieces.bytes,
        deviceId: { type: 'integer', minimum: 1, maximum: 127 },
        refreshToken: pieces.token,
        prekeys: fullPrekeyUploadSchema,
        signature: pieces.bytes,
      }),
      response: answers({
        200: objectOf({
          userId: pieces.uuid,
          deviceId: pieces.count,
          accessToken: pieces.token,
          accessExpiresInMs: pieces.ms,
        }),
      }),
    },
    handler: ({ body }) => deviceRegistrations.register(body),
  });

  app.post<{ Reply: DeviceCodeAnswer }>('/v1/devices/codes', {
    onRequest: requests.require,
    schema: {
      summary: 'Gives a code with which one new device joins the account',
      security: withToken,
      response: answers({ 200: objectOf({ code: pieces.token, expiresInMs: pieces.ms }) }),
    },
    handler: (request) => deviceRegistrations.issueCode(requests.of(request)),
  });

  app.post<{ Body: LinkRequest; Reply: LinkAnswer }>('/v1/linking', {
    schema: {
      summary: 'Opens a place where one message can be left for a device that has no account yet',
      body: objectOf({ publicKey: pieces.bytes }),
      response: answers({
        200: objectOf({ linkId: pieces.sixteen, pollToken: pieces.token, expiresInMs: pieces.ms }),
      }),
    },
    handler: ({ body }) => linkings.open(body),
  });

  app.put<{ Params: { linkId: string }; Body: LinkMessageRequest }>('/v1/linking/:linkId', {
    onRequest: requests.require,
    schema: {
      summary: 'Leaves the message for a new device',
      security: withToken,
      params: linkParams,
      body: objectOf({ publicKey: pieces.bytes, message: pieces.bytes }),
      response: answers({ 204: { type: 'null' } }),
    },
    handler: async (request, reply) => {
      await linkings.leave(request.params.linkId, request.body);
      return reply.status(204).send(null);
    },
  });

  app.post<{ Params: { linkId: string }; Body: LinkPollRequest; Reply: LinkPollAnswer }>(
    '/v1/linking/:linkId/message',
    {
      schema: {
        summary: 'Waits for the message and gives it, once',
        params: linkParams,
        body: objectOf({ pollToken: pieces.token }),
        response: answers({ 200: objectOf({ message: pieces.bytes }, ['message']) }),
      },
      handler: async (request, reply) => {
        const gone = new AbortController();
        const onClose = () => gone.abort();
        reply.raw.once('close', onClose);
        try {
          return await linkings.poll(request.params.linkId, request.body.pollToken, gone.signal);
        } finally {
          reply.raw.off('close', onClose);
        }
      },
    },
  );
}
