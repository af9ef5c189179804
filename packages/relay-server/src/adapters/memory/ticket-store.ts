import type { Clock } from '../../ports/clock.ts';
import type { UserId } from '../../ports/ids.ts';
import type { MailDevice } from '../../ports/mailbox.ts';
import type { TicketStore } from '../../ports/ticket-store.ts';
import { byteKey } from './byte-key.ts';

/** Tickets in one process. */
export class MemoryTicketStore implements TicketStore {
  readonly #tickets = new Map<string, { readonly device: MailDevice; readonly expiresAt: number }>();
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async put(ticket: Uint8Array, device: MailDevice, expiresAt: number): Promise<void> {
    const now = this.#clock.now();
    for (const [key, held] of this.#tickets) {
      // All live equally long, so the ones that ended stand first.
      if (now < held.expiresAt) break;
      this.#tickets.delete(key);
    }
    this.#tickets.set(byteKey(ticket), { device, expiresAt });
  }

  async redeem(ticket: Uint8Array, now: number): Promise<MailDevice | undefined> {
    const key = byteKey(ticket);
    const held = this.#tickets.get(key);
    this.#tickets.delete(key);
    return held !== undefined && now < held.expiresAt ? held.device : undefined;
  }

  async revoke(userId: UserId, deviceId?: number): Promise<void> {
    for (const [key, { device }] of this.#tickets) {
      if (device.userId === userId && (deviceId === undefined || device.deviceId === deviceId)) {
        this.#tickets.delete(key);
      }
    }
  }
}
