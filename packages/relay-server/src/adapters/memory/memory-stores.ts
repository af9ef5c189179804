import { systemRandomness } from '../../platform/system-randomness.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Randomness } from '../../ports/randomness.ts';
import type { RelayStores } from '../../ports/relay-stores.ts';
import { MemoryAccountControl } from './account-control.ts';
import { MemoryAccountStore } from './account-store.ts';
import { MemoryBlobStore } from './blob-store.ts';
import { MemoryDeviceCodeStore } from './device-code-store.ts';
import { MemoryDeviceStore } from './device-store.ts';
import { MemoryGroupAvatarStore } from './group-avatar-store.ts';
import { MemoryGroupStore } from './group-store.ts';
import { MemoryLinkStore } from './link-store.ts';
import { MemoryMailbox } from './mailbox.ts';
import { MemoryRelayDisk, stateOf } from './memory-relay-disk.ts';
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
  /** What outlives this set of stores: give the same one to the next, and it finds what this one kept. A new one by default. */
  readonly disk?: MemoryRelayDisk;
}

/** All stores of a relay in memory: for tests and trials, since nothing outlives the process. Limits, presence, tickets and linkings don't outlive the set of stores. */
export function memoryStores(options: MemoryStoresOptions): RelayStores {
  const { clock, randomness = systemRandomness, disk = new MemoryRelayDisk() } = options;
  const state = stateOf(disk);
  return {
    accounts: new MemoryAccountStore(state),
    control: new MemoryAccountControl(state),
    verifications: new MemoryVerificationStore(state),
    tokens: new MemoryTokenStore(state),
    prekeys: new MemoryPrekeyStore(state),
    devices: new MemoryDeviceStore(state),
    mailbox: new MemoryMailbox(state, randomness),
    groups: new MemoryGroupStore(state),
    groupAvatars: new MemoryGroupAvatarStore(state),
    blobs: new MemoryBlobStore(state.blobs),
    presence: new MemoryPresence(randomness),
    rateLimiter: new MemoryRateLimiter(clock),
    tickets: new MemoryTicketStore(clock),
    links: new MemoryLinkStore(),
    deviceCodes: new MemoryDeviceCodeStore(clock),
    close: () => Promise.resolve(),
  };
}
