import type { BundlesAnswer, PrekeyCount, PrekeyUpload } from '@sotto/proto';
import type { FastifyInstance } from 'fastify';
import { type Directory, unknownUser } from '../accounts/directory.ts';
import { outdatedList } from '../accounts/outdated-list.ts';
import type { RequestSessions } from '../auth/require-session.ts';
import type { DeviceReach } from '../dispatch/device-reach.ts';
import { answers, objectOf, pieces, withToken } from '../gateway/error-schema.ts';
import type { UserId } from '../ports/ids.ts';
import type { PrekeyStore } from '../ports/prekey-store.ts';
import { RelayError } from '../relay-error.ts';
import type { Bundles } from './bundles.ts';
import { prekeyBodyBytes, prekeySchema, prekeyUploadSchema, signedPrekeySchema } from './prekey-schema.ts';
import { readPrekeyUpload } from './prekey-upload.ts';

/** The most one-time keys of a kind that are kept for a device. */
const mostPrekeys = 200;

/** How often the identity key may change while one upload is checked. */
const mostRotations = 3;

/** What the routes work with. */
export interface KeyRouteParts {
  readonly prekeys: PrekeyStore;
  readonly bundles: Bundles;
  readonly directory: Directory;
  readonly reach: Pick<DeviceReach, 'prekeysLeft'>;
}

const countSchema = objectOf({ ec: pieces.count, kyber: pieces.count });

const bundlesSchema = objectOf(
  {
    deviceList: pieces.bytes,
    bundles: {
      type: 'array',
      items: objectOf(
        {
          deviceId: pieces.count,
          registrationId: pieces.count,
          signedPrekey: signedPrekeySchema,
          prekey: prekeySchema,
          kyberPrekey: signedPrekeySchema,
        },
        ['prekey'],
      ),
    },
    proof: { type: 'string', description: 'Reserved for key transparency.' },
  },
  ['proof'],
);

/** `/v1/prekeys` and `/v1/users/{userId}/bundles`. */
export function keyRoutes(app: FastifyInstance, requests: RequestSessions, parts: KeyRouteParts): void {
  const { prekeys, bundles, directory, reach } = parts;

  app.put<{ Body: PrekeyUpload; Reply: PrekeyCount }>('/v1/prekeys', {
    onRequest: requests.require,
    bodyLimit: prekeyBodyBytes,
    schema: {
      summary: 'Stores prekeys of the own device',
      security: withToken,
      body: prekeyUploadSchema,
      response: answers({ 200: countSchema }),
    },
    handler: async (request) => {
      const { userId, deviceId } = requests.of(request);
      let wasKeyless = false;
      const put = async () => {
        const list = await directory.deviceList(userId);
        if (list === undefined) throw unknownUser();
        const { identityKey } = list;
        wasKeyless = list.devices.some((device) => device.deviceId === deviceId && device.standing !== undefined);
        const keys = readPrekeyUpload(request.body, identityKey);
        return prekeys.put({ userId, deviceId }, keys, mostPrekeys, identityKey);
      };
      let outcome = await put();
      // The identity key changed while the signatures were checked: they are checked under the new one.
      for (let tries = 0; outcome === 'outdated' && tries < mostRotations; tries++) outcome = await put();
      if (outcome === 'conflict') {
        throw new RelayError('prekey-conflict', 'Another key has one of these ids: give every key an id of its own.');
      }
      if (outcome === 'full') {
        throw new RelayError('prekeys-full', `At most ${mostPrekeys} one-time keys of a kind are kept: send fewer.`);
      }
      if (outcome === 'unknown') throw unknownUser();
      if (outcome === 'outdated') throw outdatedList(await directory.deviceList(userId));
      if (wasKeyless) directory.forget(userId);
      const left = await prekeys.left({ userId, deviceId });
      await reach.prekeysLeft({ userId, deviceId }, () => Promise.resolve(left));
      return left;
    },
  });

  app.get<{ Reply: PrekeyCount }>('/v1/prekeys', {
    onRequest: requests.require,
    schema: {
      summary: 'Counts the one-time prekeys that are left of the own device',
      security: withToken,
      response: answers({ 200: countSchema }),
    },
    handler: (request) => prekeys.left(requests.of(request)),
  });

  app.get<{ Params: { userId: string }; Querystring: { device?: string }; Reply: BundlesAnswer }>(
    '/v1/users/:userId/bundles',
    {
      onRequest: requests.require,
      schema: {
        summary: 'Takes a key bundle for each device of an account, or for one',
        security: withToken,
        params: objectOf({ userId: pieces.uuid }),
        querystring: objectOf({ device: { type: 'string', pattern: '^([1-9]\\d?|1[01]\\d|12[0-7])$' } }, ['device']),
        response: answers({ 200: bundlesSchema }),
      },
      handler: (request) => {
        const { device } = request.query;
        const only = device === undefined ? undefined : Number(device);
        return bundles.take(requests.of(request).userId, request.params.userId as UserId, only);
      },
    },
  );
}
