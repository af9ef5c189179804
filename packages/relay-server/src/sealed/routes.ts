import {
  type SealedMultiSend,
  SealedMultiSends,
  SealedResults,
  SealedSends,
  type SenderCertificateAnswer,
  type SendResultFields,
  toBase64Url,
} from '@sotto/proto';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type Directory, unknownUser } from '../accounts/directory.ts';
import type { RequestSessions } from '../auth/require-session.ts';
import { answers, objectOf, pieces, withToken } from '../gateway/error-schema.ts';
import { networkOfRequest } from '../limits/request-limits.ts';
import type { Tracer } from '../ports/tracer.ts';
import { RelayError } from '../relay-error.ts';
import type { CertificateAuthority } from './certificate-authority.ts';
import type { SealedIngress } from './sealed-ingress.ts';

/** What the routes work with. */
export interface SealedRouteParts {
  readonly authority: CertificateAuthority;
  readonly sealed: SealedIngress;
  readonly directory: Directory;
  /** The most bytes of a body: as of a message on a stream. */
  readonly bodyBytes: number;
  readonly tracer: Tracer;
}

const consumes = ['application/octet-stream'];
const results = answers({
  200: { content: { 'application/octet-stream': { schema: { type: 'string', format: 'binary' } } } },
});

/** `/v1/certificates/sender`, `/v1/sealed` and what is below it. */
export function sealedRoutes(app: FastifyInstance, requests: RequestSessions, parts: SealedRouteParts): void {
  const { authority, sealed, directory, bodyBytes: bodyLimit, tracer } = parts;
  const onResponse = async (_: FastifyRequest, { statusCode }: FastifyReply) => {
    if (statusCode === 200) tracer.reached('send.result.sent');
  };

  app.get<{ Reply: SenderCertificateAnswer }>('/v1/certificates/sender', {
    onRequest: requests.require,
    schema: {
      summary: 'A certificate of the own device, for the recipients of sealed sends',
      security: withToken,
      response: answers({ 200: objectOf({ certificate: pieces.bytes, expiresAt: pieces.ms }) }),
    },
    handler: async (request) => {
      const device = requests.of(request);
      const list = await directory.deviceList(device.userId);
      if (!list?.devices.some(({ deviceId }) => deviceId === device.deviceId)) throw unknownUser();
      const { certificate, expiresAt } = authority.issue(device, list.identityKey);
      return { certificate: toBase64Url(certificate), expiresAt };
    },
  });

  app.post('/v1/sealed', {
    bodyLimit,
    onResponse,
    schema: { summary: 'Sends to one account, without saying from whom: protobuf', consumes, response: results },
    handler: async (request, reply) => {
      const sends = SealedSends.decode(bodyOf(request));
      return answer(reply, await sealed.take(sends, networkOfRequest(request)));
    },
  });

  app.post('/v1/sealed/multi', {
    bodyLimit,
    onResponse,
    schema: { summary: 'Sends messages to many each, without saying from whom: protobuf', consumes, response: results },
    handler: async (request, reply) => {
      // Decoded sends have all fields of the class.
      const sends = SealedMultiSends.decode(bodyOf(request)).sends as SealedMultiSend[];
      return answer(reply, await sealed.takeMulti(sends, networkOfRequest(request)));
    },
  });
}

/** Bytes of a request that does not say who makes it: one that does was made by mistake, and is not taken. */
function bodyOf({ body, headers }: FastifyRequest): Uint8Array {
  if (headers.authorization !== undefined) {
    throw new RelayError('request-malformed', 'A sealed send has no Authorization header: leave it out.');
  }
  if (body instanceof Uint8Array && body.length > 0) return body;
  throw new RelayError('request-malformed', 'Send protobuf as application/octet-stream.');
}

function answer(reply: FastifyReply, results: readonly SendResultFields[]): FastifyReply {
  return reply.type('application/octet-stream').send(Buffer.from(SealedResults.encode({ results: [...results] })));
}
