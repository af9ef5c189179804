import type { FastifyRequest, onRequestAsyncHookHandler } from 'fastify';
import type { DeviceAddress } from '../ports/ids.ts';
import { RelayError } from '../relay-error.ts';
import { missingToken, readBearer } from './bearer.ts';
import type { Sessions } from './sessions.ts';

/** Which device sends a request, once its token was checked. */
export interface RequestSessions {
  /** A hook that refuses a request without a valid access token, before its body is read. */
  readonly require: onRequestAsyncHookHandler;
  /** A hook that lets a request pass whose token is not valid (any more), too: `find` tells. One without a token is refused. */
  readonly admit: onRequestAsyncHookHandler;
  /** The device of a request that passed the hook. */
  of(request: FastifyRequest): DeviceAddress;
  /**
   * The device of a request, whose token is checked once more: a body may be held back until the session has ended.
   * @throws {RelayError} `token-missing`, `token-invalid`
   */
  again(request: FastifyRequest): Promise<DeviceAddress>;
  /** The device of a request, if it has passed the hook. */
  find(request: FastifyRequest): DeviceAddress | undefined;
}

/** Keeps the devices of requests beside them, for as long as they live. */
export function requestSessions(sessions: Sessions): RequestSessions {
  const devices = new WeakMap<FastifyRequest, DeviceAddress>();
  const check = async (request: FastifyRequest) => sessions.ofAccessToken(readBearer(request.headers.authorization));
  return {
    require: async (request) => {
      devices.set(request, await check(request));
    },
    admit: async (request) => {
      try {
        devices.set(request, await check(request));
      } catch (error) {
        if (!(error instanceof RelayError && error.code === 'token-invalid')) throw error;
      }
    },
    again: check,
    find: (request) => devices.get(request),
    of(request) {
      const device = devices.get(request);
      if (device === undefined) throw missingToken();
      return device;
    },
  };
}
