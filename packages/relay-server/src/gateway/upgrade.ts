import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { type WebSocket, WebSocketServer } from 'ws';
import { missingToken, readBearer } from '../auth/bearer.ts';
import type { Sessions } from '../auth/sessions.ts';
import type { StreamConfig } from '../config/relay-config.ts';
import type { Limits } from '../limits/limits.ts';
import { RefusedNetworks } from '../limits/refused-networks.ts';
import type { RelayCounts } from '../metrics/relay-counts.ts';
import type { Clock } from '../ports/clock.ts';
import type { Logger } from '../ports/logger.ts';
import type { MailDevice } from '../ports/mailbox.ts';
import { RelayError } from '../relay-error.ts';
import { clientNetwork, type ProxyTrust } from './client-address.ts';
import type { ConnectionCaps } from './connection-caps.ts';
import { errorAnswer } from './error-answer.ts';

/** What `Upgrades` works with. */
export interface UpgradeParts {
  readonly sessions: Sessions;
  readonly allowedOrigins: readonly string[];
  readonly stream: StreamConfig;
  readonly counts: RelayCounts;
  readonly logger: Logger;
  readonly limits: Limits;
  readonly caps: ConnectionCaps;
  readonly trust: ProxyTrust;
  readonly clock: Clock;
  readonly isDraining: () => boolean;
  readonly open: (socket: WebSocket, device: MailDevice) => void;
}

/** The subprotocol that the relay selects. */
const subprotocol = 'sotto.v1';
const ticketPrefix = 'sotto.ticket.';

/** Turns HTTP connections into streams, after it knows whose they are; refuses with a proper HTTP answer. */
export class Upgrades {
  readonly #parts: UpgradeParts;
  readonly #server: WebSocketServer;
  readonly #pending = new Set<Promise<void>>();
  readonly #refusals: RefusedNetworks;

  constructor(parts: UpgradeParts) {
    this.#parts = parts;
    this.#refusals = new RefusedNetworks(parts.limits, parts.clock);
    this.#server = new WebSocketServer({
      noServer: true,
      clientTracking: false,
      perMessageDeflate: false,
      maxPayload: parts.stream.maxMessageBytes,
      maxFragments: 256,
      maxBufferedChunks: 16 * 1024,
      handleProtocols: (offered) => (offered.has(subprotocol) ? subprotocol : false),
    });
  }

  /** Handles one `upgrade` event of an HTTP server. */
  handle(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    const onError = () => socket.destroy();
    socket.on('error', onError);
    const network = clientNetwork(request, this.#parts.trust);
    const handled: Promise<void> = this.#admit(request, socket, network)
      .then(
        (device) => {
          socket.off('error', onError);
          // Not called when the handshake is refused or its connection is gone: the device's open stream stays as it is.
          this.#server.handleUpgrade(request, socket, head, (opened) => this.#parts.open(opened, device));
        },
        async (error: unknown) => this.#refuse(socket, await this.#refusals.count(network, error)),
      )
      .catch((error: unknown) => {
        this.#parts.logger.error('upgrade.failed', { code: error instanceof RelayError ? error.code : 'internal' });
        socket.destroy();
      })
      .finally(() => this.#pending.delete(handled));
    this.#pending.add(handled);
  }

  /** Resolves when no upgrade is half done. */
  async settled(): Promise<void> {
    await Promise.all(this.#pending);
  }

  async #admit(request: IncomingMessage, socket: Duplex, network: string | undefined): Promise<MailDevice> {
    const { caps, isDraining } = this.#parts;
    const device = await this.#authenticate(request, network);
    checkDraining(isDraining());
    caps.enterStream(network, socket);
    return device;
  }

  async #authenticate(request: IncomingMessage, network: string | undefined): Promise<MailDevice> {
    const { sessions, allowedOrigins, isDraining } = this.#parts;
    const [path] = (request.url ?? '').split('?', 1);
    if (path !== '/v1/stream') throw new RelayError('not-found', 'Streams are at /v1/stream.');
    if (request.method !== 'GET') throw new RelayError('method-not-allowed', 'Open the stream with GET.');
    checkDraining(isDraining());
    this.#refusals.check(network);
    checkOrigin(request.headers.origin, allowedOrigins);
    const ticket = ticketOf(request.headers['sec-websocket-protocol']);
    const { authorization } = request.headers;
    if (authorization === undefined && ticket === undefined) throw missingToken();
    return authorization === undefined && ticket !== undefined
      ? sessions.ofTicket(ticket)
      : sessions.ofAccessToken(readBearer(authorization));
  }

  #refuse(socket: Duplex, error: unknown): void {
    this.#parts.counts.streamsRefused.add(1);
    if (error instanceof RelayError && error.code === 'rate-limited') this.#parts.counts.requestsLimited.add(1);
    const { status, reason, body, retryAfterSeconds } = errorAnswer(error);
    if (status >= 500 && status !== 503) this.#parts.logger.error('upgrade.failed', { code: body.error.code });
    const text = JSON.stringify(body);
    const headers = [
      `HTTP/1.1 ${status} ${reason}`,
      'Connection: close',
      'Content-Type: application/json; charset=utf-8',
      `Content-Length: ${Buffer.byteLength(text)}`,
      ...(status === 401 ? ['WWW-Authenticate: Bearer'] : []),
      ...(retryAfterSeconds === undefined ? [] : [`Retry-After: ${retryAfterSeconds}`]),
    ];
    socket.once('finish', () => socket.destroy());
    socket.end(`${headers.join('\r\n')}\r\n\r\n${text}`);
  }
}

function checkDraining(isDraining: boolean): void {
  if (!isDraining) return;
  throw new RelayError('draining', 'The relay is going down: reconnect in a moment.', {
    retryable: true,
    retryAfterMs: 1_000,
  });
}

/** Programs send no Origin; browsers always do. */
function checkOrigin(origin: string | undefined, allowed: readonly string[]): void {
  if (origin === undefined || allowed.includes('*') || allowed.includes(origin)) return;
  throw new RelayError('origin-refused', 'This web origin may not use the relay: its operator can add it.');
}

function ticketOf(protocols: string | undefined): string | undefined {
  const offered = (protocols ?? '').split(',').map((protocol) => protocol.trim());
  return offered.find((protocol) => protocol.startsWith(ticketPrefix))?.slice(ticketPrefix.length);
}
