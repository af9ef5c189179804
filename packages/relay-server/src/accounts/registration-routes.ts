import type { RegistrationAnswer, RegistrationRequest, VerificationAnswer, VerificationRequest } from '@sotto/proto';
import type { FastifyInstance } from 'fastify';
import type { CodesConfig } from '../config/relay-config.ts';
import { answers, objectOf, pieces } from '../gateway/error-schema.ts';
import { fullPrekeyUploadSchema, prekeyBodyBytes } from '../keys/prekey-schema.ts';
import { networkOfRequest } from '../limits/request-limits.ts';
import type { RelayCounts } from '../metrics/relay-counts.ts';
import type { Registrations } from './registrations.ts';
import { codeLength } from './verification-code.ts';
import type { Verifications } from './verifications.ts';

/** What the routes work with. */
export interface RegistrationRouteParts {
  readonly verifications: Verifications;
  readonly registrations: Registrations;
  readonly codes: CodesConfig;
  readonly counts: RelayCounts;
}

/** A random UUID, version 4 of RFC 9562. */
const randomUuid = {
  type: 'string',
  pattern: '^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$',
} as const;

/** `/v1/verifications` and `/v1/registrations`. */
export function registrationRoutes(app: FastifyInstance, parts: RegistrationRouteParts): void {
  const { verifications, registrations, codes, counts } = parts;

  app.post<{ Body: VerificationRequest; Reply: VerificationAnswer }>('/v1/verifications', {
    schema: {
      summary: 'Sends a verification code to a phone number',
      body: objectOf({ number: pieces.number, challenge: { type: 'string', minLength: 1, maxLength: 4_096 } }, [
        'challenge',
      ]),
      response: answers({
        202: objectOf({
          verificationId: pieces.uuid,
          codeLength: pieces.count,
          expiresInMs: pieces.ms,
          resendAfterMs: pieces.ms,
        }),
      }),
    },
    handler: async (request, reply) => {
      const verificationId = await verifications.start({
        number: request.body.number,
        network: networkOfRequest(request),
        challenge: request.body.challenge,
      });
      counts.codesSent.add(1);
      return reply
        .status(202)
        .send({ verificationId, codeLength, expiresInMs: codes.ttlMs, resendAfterMs: codes.resendAfterMs });
    },
  });

  app.post<{ Body: RegistrationRequest; Reply: RegistrationAnswer }>('/v1/registrations', {
    bodyLimit: prekeyBodyBytes,
    schema: {
      summary: 'Makes an account for a verified number',
      body: objectOf(
        {
          verificationId: pieces.uuid,
          code: { type: 'string', minLength: 1, maxLength: 32 },
          idempotencyKey: pieces.sixteen,
          userId: randomUuid,
          deviceList: pieces.bytes,
          refreshToken: pieces.token,
          prekeys: fullPrekeyUploadSchema,
          profile: pieces.bytes,
          accessKey: pieces.sixteen,
          recovery: pieces.bytes,
          lockSecret: pieces.token,
        },
        ['accessKey', 'recovery', 'lockSecret'],
      ),
      response: answers({
        200: objectOf({
          userId: pieces.uuid,
          deviceId: pieces.count,
          accessToken: pieces.token,
          accessExpiresInMs: pieces.ms,
        }),
      }),
    },
    handler: async ({ body }) => {
      const answer = await registrations.register(body);
      counts.registrations.add(1);
      return answer;
    },
  });
}
