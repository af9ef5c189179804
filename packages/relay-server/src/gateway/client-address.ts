import type { IncomingMessage } from 'node:http';
import proxyAddr from '@fastify/proxy-addr';
import { networkOf } from '../limits/network.ts';

/** Says whether an address is a trusted proxy's: what fastify and the upgrade path both ask. */
export type ProxyTrust = (address: string, hop: number) => boolean;

/** Trust in the addresses and networks of `trustedProxies`. */
export function proxyTrust(trustedProxies: readonly string[]): ProxyTrust {
  if (trustedProxies.length === 0) return () => false;
  const isTrusted = proxyAddr.compile([...trustedProxies]);
  // A connection that was handed in by the process itself has no address, whatever the types say.
  return (address: string | undefined, hop) => address !== undefined && isTrusted(address, hop);
}

/**
 * What limits count the client of an upgrade by (see `networkOf`); `undefined` when its connection has no address.
 *
 * It comes from the socket, unless that is a trusted proxy's: then from the right-most address of `X-Forwarded-For` that is not. Nothing that a client writes
 * into the header changes it. Fastify's `request.ip` is found in the same way.
 */
export function clientNetwork(request: IncomingMessage, trust: ProxyTrust): string | undefined {
  return request.socket.remoteAddress === undefined ? undefined : networkOf(proxyAddr(request, trust));
}
