import type { Clock } from '../../ports/clock.ts';
import type { Randomness } from '../../ports/randomness.ts';
import type { RelayStores } from '../../ports/relay-stores.ts';
import { RedisDeviceCodeStore } from './device-code-store.ts';
import { RedisLinkStore } from './link-store.ts';
import { RedisPresence } from './presence.ts';
import { RedisRateLimiter } from './rate-limiter.ts';
import type { RedisDatabase } from './redis-database.ts';
import { RedisTicketStore } from './ticket-store.ts';
import { RedisVerificationStore } from './verification-store.ts';

/** The part of a relay's stores that Redis keeps: what lives for minutes, and what may be lost. */
export type RedisStores = Pick<
  RelayStores,
  'presence' | 'rateLimiter' | 'tickets' | 'deviceCodes' | 'links' | 'verifications'
>;

/** All adapters of one node on its connection, which its owner closes. */
export function redisStores(database: RedisDatabase, clock: Clock, randomness: Randomness): RedisStores {
  return {
    presence: new RedisPresence(database, clock, randomness),
    rateLimiter: new RedisRateLimiter(database, clock),
    tickets: new RedisTicketStore(database, clock, randomness),
    deviceCodes: new RedisDeviceCodeStore(database, clock, randomness),
    links: new RedisLinkStore(database),
    verifications: new RedisVerificationStore(database),
  };
}
