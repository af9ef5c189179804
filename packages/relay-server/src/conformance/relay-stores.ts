import type { RelayStores } from '../ports/relay-stores.ts';
import { accountControlConformance } from './account-control.ts';
import { accountStoreConformance } from './account-store.ts';
import { blobStoreConformance } from './blob-store.ts';
import { deviceCodeStoreConformance } from './device-code-store.ts';
import { deviceStoreConformance } from './device-store.ts';
import { groupAvatarStoreConformance } from './group-avatar-store.ts';
import { groupMembersConformance } from './group-members.ts';
import { groupMembersVersionConformance } from './group-members-version.ts';
import { groupStoreConformance } from './group-store.ts';
import type { HarnessMaker } from './harness.ts';
import { linkStoreConformance } from './link-store.ts';
import { liveMailboxConformance } from './live-mailbox.ts';
import { mailboxConformance } from './mailbox.ts';
import { prekeyStoreConformance } from './prekey-store.ts';
import { presenceConformance } from './presence.ts';
import { rateLimiterConformance } from './rate-limiter.ts';
import type { Runner } from './runner.ts';
import { sealedMailConformance } from './sealed-mail.ts';
import { sharedMailConformance } from './shared-mail.ts';
import { ticketStoreConformance } from './ticket-store.ts';
import { tokenStoreConformance } from './token-store.ts';
import { verificationStoreConformance } from './verification-store.ts';

/**
 * Runs every suite on one set of adapters.
 *
 * A harness must begin empty, with its clock at `start`; the adapters that take a clock must take that one.
 */
export function relayStoresConformance(runner: Runner, maker: HarnessMaker<RelayStores>): void {
  accountStoreConformance(runner, maker);
  accountControlConformance(runner, maker);
  verificationStoreConformance(runner, maker);
  tokenStoreConformance(runner, maker);
  prekeyStoreConformance(runner, maker);
  deviceStoreConformance(runner, maker);
  deviceCodeStoreConformance(runner, maker);
  linkStoreConformance(runner, maker);
  mailboxConformance(runner, maker);
  liveMailboxConformance(runner, maker);
  sharedMailConformance(runner, maker);
  sealedMailConformance(runner, maker);
  groupStoreConformance(runner, maker);
  groupMembersConformance(runner, maker);
  groupMembersVersionConformance(runner, maker);
  groupAvatarStoreConformance(runner, maker);
  blobStoreConformance(runner, maker);
  presenceConformance(runner, maker);
  rateLimiterConformance(runner, maker);
  ticketStoreConformance(runner, maker);
}
