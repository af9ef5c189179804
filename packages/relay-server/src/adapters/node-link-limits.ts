import type { NodeLinkLimits } from '../ports/node-link.ts';
import { RelayError } from '../relay-error.ts';

/** For nodes that hand over envelopes of at most a megabyte. */
export const defaultNodeLinkLimits: NodeLinkLimits = {
  mostRequests: 16_384,
  mostRequestBytes: 64 * 1024 * 1024,
  mostMessageBytes: 4 * 1024 * 1024,
  drainMs: 10_000,
};

/** @throws {RelayError} `request-too-large` */
export function checkMessageSize(message: Uint8Array, { mostMessageBytes }: NodeLinkLimits): void {
  if (message.length <= mostMessageBytes) return;
  throw new RelayError('request-too-large', `A message between nodes has at most ${mostMessageBytes} bytes: split it.`);
}
