import type { UserId } from './ids.ts';
import type { MailDevice } from './mailbox.ts';

/** One-time tickets with which a browser opens a stream. Values are SHA-256 hashes. */
export interface TicketStore {
  put(ticket: Uint8Array, device: MailDevice, expiresAt: number): Promise<void>;
  /** Gives the device, as it was named, and forgets the ticket, in one step; `undefined` when unknown, used or ended at `now`. */
  redeem(ticket: Uint8Array, now: number): Promise<MailDevice | undefined>;
  /** Forgets the tickets of a device whose session has ended, or of all devices of an account that has. Harmless when there is none. */
  revoke(userId: UserId, deviceId?: number): Promise<void>;
}
