import type { LimitsConfig } from '../config/relay-config.ts';
import type { RateLimit } from '../ports/rate-limiter.ts';

/** How fast a client may send, as `ServerHello` tells it. */
export function toldPace({ sendsToContact, sendsToStranger, sendsPerDevice }: LimitsConfig) {
  return {
    sendBurst: sendsToContact.burst,
    sendsPerSecond: perSecond(sendsToContact),
    strangerBurst: sendsToStranger.burst,
    strangerSendsPerSecond: perSecond(sendsToStranger),
    deviceBurst: sendsPerDevice.burst,
    deviceSendsPerSecond: perSecond(sendsPerDevice),
  };
}

/** Rounded down so that nobody who keeps to it overruns it; 0 = there is no limit. The configuration allows at least one a second. */
function perSecond({ burst, refillMs }: RateLimit): number {
  return burst === 0 ? 0 : Math.floor(1_000 / refillMs);
}
