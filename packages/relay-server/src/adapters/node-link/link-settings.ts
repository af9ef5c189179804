import type { NodeLinkLimits } from '../../ports/node-link.ts';
import { defaultNodeLinkLimits } from '../node-link-limits.ts';

/** How a link over TLS behaves. */
export interface LinkSettings extends NodeLinkLimits {
  /** How long a connection may take to be made, as the one who makes it sees it. */
  readonly connectMs: number;
  /** The same for the one who takes it: TLS, then the HTTP request. */
  readonly handshakeMs: number;
  /** How often a connection is tried. */
  readonly pingMs: number;
  /** After how many pings without a sign of the other it is given up. */
  readonly silentPings: number;
  /** The longest wait before the second attempt to connect; it doubles with each, up to `mostBackOffMs`. What is waited is drawn evenly from 0 to that. */
  readonly backOffMs: number;
  readonly mostBackOffMs: number;
  /** So many failures in a row make a node unreachable at once... */
  readonly breakAfter: number;
  /** ... for half of this time at least and all of it at most; then one attempt decides. */
  readonly coolDownMs: number;
  /** How long what is known of a node that is not connected is kept without a request to it. */
  readonly forgetMs: number;
  /** The most connections from others, half-made ones included. */
  readonly mostConnections: number;
}

/** For nodes in one data centre. */
export const defaultLinkSettings: LinkSettings = {
  ...defaultNodeLinkLimits,
  connectMs: 3_000,
  handshakeMs: 3_000,
  pingMs: 1_500,
  silentPings: 3,
  backOffMs: 50,
  mostBackOffMs: 1_000,
  breakAfter: 4,
  coolDownMs: 2_000,
  forgetMs: 60_000,
  mostConnections: 1_024,
};
