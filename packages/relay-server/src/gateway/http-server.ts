import type { IncomingMessage } from 'node:http';
import cors from '@fastify/cors';
import swagger from '@fastify/swagger';
import Fastify, { type FastifyError, type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import type { ConnectionsConfig } from '../config/relay-config.ts';
import type { Logger } from '../ports/logger.ts';
import { RelayError } from '../relay-error.ts';
import type { ProxyTrust } from './client-address.ts';
import { shareCompiledSchemas } from './compiled-schemas.ts';
import { errorAnswer } from './error-answer.ts';
import { errorSchema } from './error-schema.ts';
import { RouteTable } from './route-table.ts';

/** What `httpServer` works with. */
export interface HttpServerOptions {
  readonly allowedOrigins: readonly string[];
  readonly version: string;
  readonly logger: Logger;
  readonly connections: ConnectionsConfig;
  readonly trust: ProxyTrust;
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The code of an answer to a body over the limit, where it is not `request-too-large`. */
    readonly tooLarge?: 'avatar-too-large';
  }
}

/** Bodies of routes that say nothing else. */
const bodyBytes = 64 * 1024;

/**
 * An HTTP server without routes: limits, errors in one form, CORS, OpenAPI.
 *
 * Values are never coerced and unknown fields are ignored. The client's address is the socket's, unless that is a trusted proxy's.
 */
export async function httpServer(options: HttpServerOptions): Promise<FastifyInstance> {
  const { connections } = options;
  const app = Fastify({
    logger: false,
    trustProxy: options.trust,
    bodyLimit: bodyBytes,
    requestTimeout: connections.requestMs,
    connectionTimeout: 0,
    keepAliveTimeout: connections.keepAliveMs,
    forceCloseConnections: true,
    return503OnClosing: false,
    routerOptions: { maxParamLength: 100, caseSensitive: true },
    http: {
      headersTimeout: Math.min(connections.headersMs, connections.requestMs),
      maxHeaderSize: 16 * 1024,
      connectionsCheckingInterval: Math.min(5_000, Math.ceil(connections.headersMs / 2)),
      // Node would refuse it with an empty answer: the hook below does with ours.
      requireHostHeader: false,
      shouldUpgradeCallback: isForStream,
    },
    ajv: { customOptions: { coerceTypes: false, removeAdditional: false, useDefaults: false, allErrors: false } },
    frameworkErrors: (error, _request, reply) => {
      const answer = errorAnswer(translated(error));
      const anyReply: FastifyReply = reply;
      return anyReply.status(answer.status).send(answer.body);
    },
    clientErrorHandler: (error, socket) => {
      if ('code' in error && error.code === 'ECONNRESET') return;
      const { status, reason, body } = errorAnswer(brokenRequest(error));
      const text = JSON.stringify(body);
      const head = `HTTP/1.1 ${status} ${reason}\r\nConnection: close\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: ${Buffer.byteLength(text)}`;
      if (socket.writable) socket.end(`${head}\r\n\r\n${text}`);
      else socket.destroy();
    },
  });
  const routes = new RouteTable();
  app.addHook('onRoute', (route) => routes.add(route.method, route.url));
  app.addHook('onRequest', async ({ raw }) => {
    if (raw.httpVersion === '1.1' && raw.headers.host === undefined) {
      throw new RelayError('request-malformed', 'HTTP/1.1 asks for a Host header: RFC 9112 section 3.2.');
    }
  });
  app.addSchema(errorSchema);
  shareCompiledSchemas(app);
  app.setErrorHandler((error, request, reply) => {
    const answer = errorAnswer(translated(error, request));
    if (answer.status === 500) {
      options.logger.error('request.failed', { code: answer.body.error.code, route: request.routeOptions.url ?? '' });
    }
    if (answer.retryAfterSeconds !== undefined) reply.header('retry-after', answer.retryAfterSeconds);
    if (answer.status === 401) reply.header('www-authenticate', 'Bearer');
    return reply.status(answer.status).send(answer.body);
  });
  app.setNotFoundHandler((request, reply) => {
    const [path = ''] = request.url.split('?', 1);
    const allowed = routes.methodsOf(path);
    if (allowed.length === 0) throw new RelayError('not-found', 'There is nothing here: see /v1/openapi.json.');
    reply.header('allow', allowed.join(', '));
    throw new RelayError('method-not-allowed', 'This path takes other methods: see the Allow header.');
  });
  await app.register(cors, {
    origin: options.allowedOrigins.includes('*') ? '*' : [...options.allowedOrigins],
    methods: ['GET', 'POST', 'PUT', 'DELETE'],
    allowedHeaders: ['authorization', 'content-type'],
    exposedHeaders: ['retry-after'],
    maxAge: 3_600,
    // An OPTIONS that is no preflight is answered like one, and not with an error in a form that is not ours.
    strictPreflight: false,
  });
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: { title: 'Sotto relay', version: options.version, license: { name: 'AGPL-3.0-only' } },
      components: { securitySchemes: { accessToken: { type: 'http', scheme: 'bearer' } } },
    },
    refResolver: { buildLocalReference: (json, _base, _fragment, at) => String(json.$id ?? `schema-${at}`) },
  });
  app.addContentTypeParser('application/octet-stream', { parseAs: 'buffer' }, (_request, body, done) =>
    done(null, body),
  );
  return app;
}

/** Whether an `Upgrade` header is meant for the stream; others, such as `h2c`, are ignored: RFC 9110 section 7.8 allows it. */
function isForStream({ url = '', headers }: IncomingMessage): boolean {
  return headers.upgrade?.toLowerCase() === 'websocket' && url.split('?', 1)[0] === '/v1/stream';
}

/** Fastify's own errors in our words. */
function translated(error: unknown, request?: FastifyRequest): unknown {
  if (!isFastifyError(error)) return error;
  if (error.validation !== undefined) {
    const [first] = error.validation;
    const where = `${error.validationContext ?? 'request'}${first?.instancePath ?? ''}`;
    return new RelayError('request-malformed', `${where} ${first?.message ?? 'does not fit the schema'}.`);
  }
  if (error.code === 'FST_ERR_CTP_BODY_TOO_LARGE') {
    const code = request?.routeOptions.config.tooLarge ?? 'request-too-large';
    return new RelayError(code, 'The body is larger than this path takes: see docs/protocol.md.');
  }
  if (error.statusCode !== undefined && error.statusCode >= 400 && error.statusCode < 500) {
    return new RelayError('request-malformed', 'The request is not well formed: check path, content type and JSON.');
  }
  return error;
}

function isFastifyError(error: unknown): error is FastifyError {
  return (
    error instanceof Error &&
    !(error instanceof RelayError) &&
    (('code' in error && typeof error.code === 'string') || 'validation' in error || 'statusCode' in error)
  );
}

/** What came over a connection without becoming a request. A slow network is no fault of what was asked for: that may be asked for again. */
function brokenRequest(error: Error): RelayError {
  if ('code' in error && error.code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    return new RelayError('request-too-slow', 'The request came too slowly: send it again.', { retryable: true });
  }
  return new RelayError('request-malformed', 'The request is not HTTP.');
}
