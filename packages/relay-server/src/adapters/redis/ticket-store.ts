import type { Clock } from '../../ports/clock.ts';
import type { UserId } from '../../ports/ids.ts';
import type { MailDevice } from '../../ports/mailbox.ts';
import type { Randomness } from '../../ports/randomness.ts';
import type { TicketStore } from '../../ports/ticket-store.ts';
import { issuedText, readIssued } from './issued-to.ts';
import { clearedAfterMs, keyText, type RedisDatabase } from './redis-database.ts';
import { Standing } from './standing.ts';

/**
 * Tickets of all nodes: one string a ticket, taken and deleted in one command.
 *
 * A ticket counts only while its device's mark stands, see {@link Standing}: the mark is there before the ticket, so a crash in between leaves a mark that nothing carries. Tickets that Redis lost are unknown.
 */
export class RedisTicketStore implements TicketStore {
  readonly #database: RedisDatabase;
  readonly #clock: Clock;
  readonly #standing: Standing;

  constructor(database: RedisDatabase, clock: Clock, randomness: Randomness) {
    this.#database = database;
    this.#clock = clock;
    this.#standing = new Standing(database, randomness, 'ticket');
  }

  async put(ticket: Uint8Array, device: MailDevice, expiresAt: number): Promise<void> {
    const ttlMs = Math.max(0, expiresAt - this.#clock.now()) + clearedAfterMs;
    const mark = await this.#standing.mark(device, ttlMs);
    await this.#database.ask('SET', this.#key(ticket), `${expiresAt} ${issuedText(device, mark)}`, 'PX', ttlMs);
  }

  async redeem(ticket: Uint8Array, now: number): Promise<MailDevice | undefined> {
    const held = await this.#database.ask('GETDEL', this.#key(ticket));
    if (!Buffer.isBuffer(held)) return undefined;
    const text = held.toString();
    const end = text.indexOf(' ');
    if (now >= Number(text.slice(0, end))) return undefined;
    const { device, mark } = readIssued(text.slice(end + 1));
    return (await this.#standing.stands(device, mark)) ? device : undefined;
  }

  revoke(userId: UserId, deviceId?: number): Promise<void> {
    return this.#standing.revoke(userId, deviceId);
  }

  #key(ticket: Uint8Array): string {
    return this.#database.key('ticket', keyText(ticket));
  }
}
