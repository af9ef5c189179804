import type { Duplex } from 'node:stream';

/** Where a relay listens. */
export interface RelayAddress {
  readonly port: number;
  /** `http://host:port`. */
  readonly url: string;
}

/**
 * Takes connections in for a relay that does not listen on a TCP port of its own: a socket handed over by another process, a network in memory.
 *
 * What is handed in is treated as a connection that was accepted: HTTP/1.1 and upgrades. Who ends a relay's listener ends its connections.
 */
export interface RelayListener {
  /** Begins; `take` may be called with each connection from now on. */
  listen(take: (connection: Duplex) => void): Promise<RelayAddress>;
  /** Takes no more connections; those that are open go on. Idempotent. */
  close(): Promise<void>;
}
