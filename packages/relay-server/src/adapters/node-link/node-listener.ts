import type { IncomingMessage } from 'node:http';
import { createServer } from 'node:https';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';
import { type WebSocket, WebSocketServer } from 'ws';
import type { Logger } from '../../ports/logger.ts';
import { RelayError } from '../../relay-error.ts';
import type { LinkSettings } from './link-settings.ts';
import { endOf, isOfHost, type NodeCredentials } from './node-credentials.ts';
import { fromHeader, misdirected, mostPayload, nodePath, nodeProtocol, toHeader } from './node-dialer.ts';
import { parseNodeName } from './node-name.ts';

/** What `listenForNodes` works with. */
export interface NodeListenerParts {
  readonly host: string;
  readonly port: number;
  readonly credentials: NodeCredentials;
  readonly settings: LinkSettings;
  readonly logger: Logger;
  /** The name of this node and start; `undefined` when nobody may connect to it any more. */
  readonly name: () => string | undefined;
  /** A node has connected, with a certificate that ends then. */
  readonly onNode: (from: string, socket: WebSocket, endsAt: number) => void;
}

/** Takes the connections of other nodes in. */
export interface NodeListener {
  readonly port: number;
  /** Takes no more, and ends what is left. */
  close(): Promise<void>;
}

/**
 * Listens for nodes: TLS 1.3, with a certificate of the cluster's CA, and of the host that the other says it is.
 *
 * Without such a certificate the handshake fails and not a byte is read. A session is never resumed, so that each connection has shown its certificate anew.
 * @throws {RelayError} `config-invalid`: it can't listen there
 */
export async function listenForNodes(parts: NodeListenerParts): Promise<NodeListener> {
  const { settings, logger } = parts;
  const server = createServer({
    ...tlsOf(parts.credentials),
    minVersion: 'TLSv1.3',
    requestCert: true,
    rejectUnauthorized: true,
    handshakeTimeout: settings.handshakeMs,
    headersTimeout: settings.handshakeMs,
    requestTimeout: settings.handshakeMs,
    connectionsCheckingInterval: Math.ceil(settings.handshakeMs / 2),
    maxHeaderSize: 8 * 1024,
    keepAlive: true,
  });
  server.maxConnections = settings.mostConnections;
  const connections = new Set<Socket>();
  server.on('connection', (connection: Socket) => {
    connections.add(connection);
    connection.once('close', () => connections.delete(connection));
  });
  const sockets = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: mostPayload(settings),
    maxFragments: 16,
  });
  const refuse = (socket: Duplex, status: number, reason: string) => {
    logger.warn('node-link.refused', { reason });
    socket.once('finish', () => socket.destroy());
    socket.end(`HTTP/1.1 ${status} ${reason}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);
  };
  server.prependListener('secureConnection', (socket) => {
    if (socket.isSessionReused()) socket.destroy();
  });
  server.on('tlsClientError', () => logger.warn('node-link.refused', { reason: 'handshake failed' }));
  server.on('request', (_, response) => response.writeHead(426, { connection: 'close' }).end());
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    const onError = () => socket.destroy();
    socket.on('error', onError);
    const { headers, url } = request;
    if (url !== nodePath || headers['sec-websocket-protocol'] !== nodeProtocol) {
      refuse(socket, 400, 'other protocol');
      return;
    }
    const from = headerOf(request, fromHeader);
    const host = parseNodeName(from)?.host;
    const shown = socket instanceof TLSSocket ? socket.getPeerCertificate() : undefined;
    if (host === undefined || shown === undefined || !isOfHost(shown, host)) {
      refuse(socket, 403, 'certificate of another host');
      return;
    }
    if (headerOf(request, toHeader) !== parts.name()) {
      refuse(socket, misdirected, 'other start');
      return;
    }
    socket.off('error', onError);
    sockets.handleUpgrade(request, socket, head, (opened) => parts.onNode(from, opened, endOf(shown)));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) =>
      reject(
        new RelayError(
          'config-invalid',
          `The link between nodes can not listen on ${parts.host} port ${parts.port}: look at \`cluster.listen\`, and whether something else has \`cluster.port\`.`,
          { cause },
        ),
      ),
    );
    server.listen({ host: parts.host, port: parts.port }, resolve);
  });
  server.on('error', () => logger.error('node-link.failed'));
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : parts.port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const connection of connections) connection.destroy();
      }),
  };
}

function tlsOf({ certificate, key, authority }: NodeCredentials) {
  return { cert: certificate, key, ca: authority };
}

function headerOf({ headers }: IncomingMessage, name: string): string {
  const value = headers[name];
  return typeof value === 'string' ? value : '';
}
