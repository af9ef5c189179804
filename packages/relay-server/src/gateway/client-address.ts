import type { IncomingMessage } from 'node:http';
import { proxyAddr } from '@fastify/proxy-addr';
import { networkOf } from '../limits/network.ts';

/** Says whether an address is a trusted proxy's: what fastify and the upgrade path both ask. */
export type ProxyTrust = (address: string, hop: number) => boolean;

/** Trust in the addresses and networks of `trustedProxies`. */
export function proxyTrust(trustedProxies: readonly string[]): ProxyTrust {
  return trustedProxies.length === 0 ? () => false : proxyAddr.compile([...trustedProxies]);
}

/**
 * What limits count the client of a request by (see `networkOf`).
 *
 * It comes from the socket, unless that is a trusted proxy's: then from the right-most address of `X-Forwarded-For` that is not. Nothing that a client writes
 * into the header changes it.
 */
export function clientNetwork(request: IncomingMessage, trust: ProxyTrust): string {
  return networkOf(proxyAddr(request, trust));
}
