import { type RelayDescription, toBase64Url } from '@sotto/proto';
import type { FastifyInstance } from 'fastify';
import { profileBytes } from '../accounts/profile.ts';
import { avatarBytes } from '../blobs/avatars.ts';
import type { RelayConfig } from '../config/relay-config.ts';
import type { Metrics } from '../ports/metrics.ts';
import { RelayError } from '../relay-error.ts';
import { answers, objectOf, pieces } from './error-schema.ts';
import { protocolRange } from './protocol-range.ts';

/** What the routes work with. */
export interface ServiceRouteParts {
  readonly config: RelayConfig;
  readonly version: string;
  /** Public keys, 33 bytes each, under which certificates of sealed senders are made. */
  readonly trustRoots: readonly Uint8Array[];
  readonly metrics: Metrics;
  /** Rejects while the relay can not serve. */
  /** Gives the names of engines that are missing, and can be spared. */
  readonly checkReady: () => Promise<readonly string[]>;
}

const okSchema = objectOf({ status: { type: 'string' } });
const readySchema = objectOf({ status: { type: 'string' }, missing: { type: 'array', items: { type: 'string' } } }, [
  'missing',
]);

/** What operators and machines ask: descriptions, health, metrics. */
export function serviceRoutes(app: FastifyInstance, parts: ServiceRouteParts): void {
  const { config, version, trustRoots, metrics, checkReady } = parts;
  const description: RelayDescription = {
    protocol: protocolRange,
    version,
    limits: {
      maxMessageBytes: config.stream.maxMessageBytes,
      avatarBytes,
      profileBytes,
      retentionMs: config.mailbox.retentionMs,
    },
    trustRoots: trustRoots.map(toBase64Url),
  };

  app.get<{ Reply: RelayDescription }>('/.well-known/sotto.json', {
    schema: {
      summary: 'What this relay speaks and takes',
      response: answers({
        200: objectOf({
          protocol: objectOf({ min: pieces.count, max: pieces.count }),
          version: { type: 'string' },
          limits: objectOf({
            maxMessageBytes: pieces.count,
            avatarBytes: pieces.count,
            profileBytes: pieces.count,
            retentionMs: pieces.ms,
          }),
          trustRoots: { type: 'array', items: pieces.bytes },
        }),
      }),
    },
    handler: async () => description,
  });

  app.get('/healthz', {
    schema: { summary: 'Alive', response: answers({ 200: okSchema }) },
    handler: async () => ({ status: 'alive' }),
  });

  app.get('/readyz', {
    schema: { summary: 'Ready to serve: not draining, and the store answers', response: answers({ 200: readySchema }) },
    handler: async () => {
      const missing = await checkReady();
      return { status: 'ready', ...(missing.length > 0 && { missing }) };
    },
  });

  app.get('/metrics', {
    schema: { hide: true },
    handler: async (_request, reply) =>
      reply.type('text/plain; version=0.0.4; charset=utf-8').send(await metrics.render()),
  });

  app.get('/v1/openapi.json', { schema: { hide: true }, handler: async () => app.swagger() });

  app.get('/v1/stream', {
    schema: { summary: 'Upgrades to the stream: a WebSocket that speaks protobuf, see docs/protocol.md' },
    handler: async () => {
      throw new RelayError('request-malformed', 'Open this path as a WebSocket.');
    },
  });
}
