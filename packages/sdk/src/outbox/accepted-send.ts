import type { UserId } from '../ports/ids.ts';
import type { OutboxRecord } from '../ports/outbox-record.ts';
import type { Share } from './send-outcome.ts';

/** A send that the relay has on disk, with the times by its clock. */
export interface AcceptedSend {
  readonly record: OutboxRecord;
  readonly acceptedAt: number;
  readonly expiresAt: number;
  /** Of a Send to a group: what became of each of its recipients. */
  readonly shares?: ReadonlyMap<UserId, Share>;
}

/** Whether the relay called a recipient no member of the group. */
export function hasOutsiders(shares: AcceptedSend['shares']): boolean {
  return shares !== undefined && [...shares.values()].includes('not-member');
}
