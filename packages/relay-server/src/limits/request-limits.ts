import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { RequestSessions } from '../auth/require-session.ts';
import type { RelayCounts } from '../metrics/relay-counts.ts';
import { RelayError } from '../relay-error.ts';
import type { Limits } from './limits.ts';
import { networkOf } from './network.ts';

/** What the hooks work with. */
export interface RequestLimitParts {
  readonly limits: Limits;
  readonly requests: RequestSessions;
  readonly counts: RelayCounts;
}

/** What operators' machines ask, many times a minute from one address. */
const unlimited: readonly string[] = ['/healthz', '/readyz', '/metrics'];
/** Changes without a token: each checks signatures or codes. */
const registering: readonly string[] = ['POST /v1/registrations', 'POST /v1/recoveries', 'POST /v1/devices'];

/** Sends without a token: they have a budget of their own, as those over streams have. */
const sealing: readonly string[] = ['/v1/sealed', '/v1/sealed/multi'];

/** Hooks that bound what any client can repeat: by address before anything is read, by account as soon as the token was checked. For routes that are added afterwards. */
export function limitRequests(app: FastifyInstance, { limits, requests, counts }: RequestLimitParts): void {
  const counted = async (taking: Promise<void>) => {
    try {
      await taking;
    } catch (error) {
      if (error instanceof RelayError && error.code === 'rate-limited') counts.requestsLimited.add(1);
      throw error;
    }
  };
  app.addHook('onRequest', async (request) => {
    const route = request.routeOptions.url ?? '';
    if (unlimited.includes(route)) return;
    const network = networkOfRequest(request);
    if (sealing.includes(route)) {
      await counted(limits.takeSealedFrom(network));
      return;
    }
    await counted(limits.takeRequest(network));
    if (registering.includes(`${request.method} ${route}`)) await counted(limits.takeRegistration(network));
    else if (route === '/v1/tokens') await counted(limits.takeRefresh(network));
    else if (route === '/v1/linking') await counted(limits.takeLinking(network));
  });
  app.addHook('preParsing', async (request) => {
    const device = requests.find(request);
    if (device !== undefined && request.method !== 'GET') await counted(limits.takeWrite(device.userId));
  });
}

/** What the client of a request is counted by; `undefined` when its connection has no address. */
export function networkOfRequest(request: FastifyRequest): string | undefined {
  return request.socket.remoteAddress === undefined ? undefined : networkOf(request.ip);
}
