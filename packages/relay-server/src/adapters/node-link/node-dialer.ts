import { Agent } from 'node:https';
import { TLSSocket } from 'node:tls';
import { WebSocket } from 'ws';
import { batchBytes } from './frame-writer.ts';
import type { LinkSettings } from './link-settings.ts';
import { endOf, type NodeCredentials } from './node-credentials.ts';
import { frameHeadBytes } from './node-frames.ts';
import { addressOf, type NodeName, nodeNameOf } from './node-name.ts';

/** The subprotocol of links between nodes: another is another version. */
export const nodeProtocol = 'sotto.node.v1';
export const nodePath = '/node';
/** Who asks, and whom it means. */
export const fromHeader = 'sotto-node-from';
export const toHeader = 'sotto-node-to';
/** RFC 9110 section 15.5.20: somebody else than who was meant listens there. */
export const misdirected = 421;

/** A connection that is being made. */
export interface DialedNode {
  readonly socket: WebSocket;
  /** Whether the other said that it is not the node that was meant: that one will never come back. */
  readonly isGone: () => boolean;
  /** When the certificate ends that the other has shown; never as long as it has shown none. */
  readonly endsAt: () => number;
}

/** How large a message with these limits can be. */
export function mostPayload({ mostMessageBytes }: Pick<LinkSettings, 'mostMessageBytes'>): number {
  return batchBytes + frameHeadBytes + mostMessageBytes;
}

/**
 * Begins a connection to a node, over TLS 1.3 with certificates both ways: nothing is sent to one that is not of the cluster's CA, or not of the host that was asked for.
 */
export function dialNode(from: string, to: NodeName, credentials: NodeCredentials, settings: LinkSettings): DialedNode {
  let status = 0;
  let endsAt = Number.POSITIVE_INFINITY;
  const socket = new WebSocket(`wss://${addressOf(to.host, to.port)}${nodePath}`, nodeProtocol, {
    ca: credentials.authority,
    cert: credentials.certificate,
    key: credentials.key,
    minVersion: 'TLSv1.3',
    rejectUnauthorized: true,
    headers: { [fromHeader]: from, [toHeader]: nodeNameOf(to) },
    // One for each connection: none goes on with the TLS session of another.
    agent: new Agent({ maxCachedSessions: 0 }),
    followRedirects: false,
    perMessageDeflate: false,
    maxPayload: mostPayload(settings),
    maxFragments: 16,
  });
  socket.on('unexpected-response', (request, response) => {
    status = response.statusCode ?? 0;
    request.destroy();
    socket.terminate();
  });
  socket.on('upgrade', ({ socket: connection }) => {
    if (connection instanceof TLSSocket) endsAt = endOf(connection.getPeerCertificate());
  });
  return { socket, isGone: () => status === misdirected, endsAt: () => endsAt };
}
