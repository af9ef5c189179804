import type { Server } from 'node:http';
import type { Duplex } from 'node:stream';
import type { ConnectionsConfig } from '../config/relay-config.ts';
import { networkOf } from '../limits/network.ts';
import type { RelayCounts } from '../metrics/relay-counts.ts';
import { RelayError } from '../relay-error.ts';
import type { ProxyTrust } from './client-address.ts';

/** After which time a refused client may find room: it does not depend on the client. */
const retryAfterMs = 10_000;

/**
 * Bounds how many connections and streams are open, in all and from one address.
 *
 * A connection over the cap is closed before anything is read from it. An address may have `perAddress` streams, and twice as many connections, so that who has too
 * many streams is told so. Connections of trusted proxies are not counted by address; the streams that come through them are, by their clients'.
 */
export class ConnectionCaps {
  readonly #config: ConnectionsConfig;
  readonly #counts: RelayCounts;
  readonly #trust: ProxyTrust;
  readonly #connections = new Map<string, number>();
  readonly #streams = new Map<string, number>();

  constructor(config: ConnectionsConfig, counts: RelayCounts, trust: ProxyTrust) {
    this.#config = config;
    this.#counts = counts;
    this.#trust = trust;
  }

  /** Watches over the connections of a server. */
  guard(server: Server): void {
    server.maxConnections = this.#config.inAll;
    server.on('drop', () => this.#counts.connectionsRefused.add(1));
    server.on('connection', (socket) => {
      const { remoteAddress } = socket;
      if (remoteAddress === undefined || this.#trust(remoteAddress, 0)) return;
      if (this.#enter(this.#connections, networkOf(remoteAddress), this.#config.perAddress * 2, socket)) return;
      this.#counts.connectionsRefused.add(1);
      socket.destroy();
    });
  }

  /**
   * Counts a stream of this client until its connection closes.
   * @throws {RelayError} `rate-limited`
   */
  enterStream(network: string | undefined, socket: Duplex): void {
    if (network === undefined || this.#enter(this.#streams, network, this.#config.perAddress, socket)) return;
    this.#counts.connectionsRefused.add(1);
    throw new RelayError('rate-limited', 'Too many streams are open from this address: close some.', {
      retryable: true,
      retryAfterMs,
    });
  }

  #enter(open: Map<string, number>, network: string, most: number, socket: Duplex): boolean {
    // Its close was told before this was asked: it would be counted for ever.
    if (socket.closed) return true;
    const count = open.get(network) ?? 0;
    if (count >= most) return false;
    open.set(network, count + 1);
    socket.once('close', () => {
      const left = (open.get(network) ?? 1) - 1;
      if (left === 0) open.delete(network);
      else open.set(network, left);
    });
    return true;
  }
}
