import { systemRandomness } from '../../platform/system-randomness.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Randomness } from '../../ports/randomness.ts';
import type { RelayStores } from '../../ports/relay-stores.ts';
import { MemoryAccountStore } from './account-store.ts';
import { MemoryBlobStore } from './blob-store.ts';
import { MemoryMailbox } from './mailbox.ts';
import { emptyState } from './memory-state.ts';
import { MemoryPrekeyStore } from './prekey-store.ts';
import { MemoryPresence } from './presence.ts';
import { MemoryRateLimiter } from './rate-limiter.ts';
import { MemoryTicketStore } from './ticket-store.ts';
import { MemoryTokenStore } from './token-store.ts';
import { MemoryVerificationStore } from './verification-store.ts';

/** What the memory adapters need from outside. */
export interface MemoryStoresOptions {
  readonly clock: Clock;
  /** Makes delivery ids and epochs unguessable; the operating system's by default. */
  readonly randomness?: Randomness;
}

/** All stores of a relay in memory: for tests and trials, since nothing outlives the process. */
export function memoryStores({ clock, randomness = systemRandomness }: MemoryStoresOptions): RelayStores {
  const state = emptyState();
  return {
    accounts: new MemoryAccountStore(state),
    verifications: new MemoryVerificationStore(state),
    tokens: new MemoryTokenStore(state),
    prekeys: new MemoryPrekeyStore(state),
    mailbox: new MemoryMailbox(state, randomness),
    blobs: new MemoryBlobStore(),
    presence: new MemoryPresence(randomness),
    rateLimiter: new MemoryRateLimiter(clock),
    tickets: new MemoryTicketStore(clock),
    close: () => Promise.resolve(),
  };
}
