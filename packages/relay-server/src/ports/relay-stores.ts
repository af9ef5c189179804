import type { AccountControl } from './account-control.ts';
import type { AccountStore } from './account-store.ts';
import type { BlobStore } from './blob-store.ts';
import type { DeviceCodeStore } from './device-code-store.ts';
import type { DeviceStore } from './device-store.ts';
import type { GroupAvatarStore } from './group-avatar-store.ts';
import type { GroupStore } from './group-store.ts';
import type { LinkStore } from './link-store.ts';
import type { Mailbox } from './mailbox.ts';
import type { PrekeyStore } from './prekey-store.ts';
import type { Presence } from './presence.ts';
import type { RateLimiter } from './rate-limiter.ts';
import type { TicketStore } from './ticket-store.ts';
import type { TokenStore } from './token-store.ts';
import type { VerificationStore } from './verification-store.ts';

/** One set of adapters, made to work together: what is said to be atomic over several ports is. */
export interface RelayStores {
  readonly accounts: AccountStore;
  readonly control: AccountControl;
  readonly verifications: VerificationStore;
  readonly tokens: TokenStore;
  readonly prekeys: PrekeyStore;
  readonly devices: DeviceStore;
  readonly mailbox: Mailbox;
  readonly groups: GroupStore;
  readonly groupAvatars: GroupAvatarStore;
  readonly blobs: BlobStore;
  readonly presence: Presence;
  readonly rateLimiter: RateLimiter;
  readonly tickets: TicketStore;
  readonly links: LinkStore;
  readonly deviceCodes: DeviceCodeStore;
  /** Finishes what was begun, then lets go of files and locks; idempotent. No call may follow it. */
  close(): Promise<void>;
}
