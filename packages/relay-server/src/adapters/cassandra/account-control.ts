import type {
  AccountControl,
  AccountEnding,
  AccountRemains,
  AccountStanding,
  LockChange,
  MoveOutcome,
  NumberMove,
  ProvenOwner,
} from '../../ports/account-control.ts';
import type { Clock } from '../../ports/clock.ts';
import type { UserId } from '../../ports/ids.ts';
import { numberTurn, userTurn } from './account-store.ts';
import type { CassandraDatabase } from './cassandra-database.ts';
import type { Cleaner } from './cleaner.ts';
import type { DueList } from './due-list.ts';
import type { HandoverPlan } from './handover-plan.ts';
import type { Handovers } from './handovers.ts';
import type { Heard } from './heard.ts';
import { tryLock } from './locks.ts';
import type { Turns } from './turns.ts';
import { untilDone } from './until-done.ts';
import type { UserRow } from './user-row.ts';
import type { Users } from './users.ts';

/** What an account's owner works on. */
export interface AccountControlParts {
  readonly database: CassandraDatabase;
  readonly clock: Clock;
  readonly turns: Turns;
  readonly users: Users;
  readonly heard: Heard;
  readonly handovers: Handovers;
  readonly cleaner: Cleaner;
  readonly remains: DueList;
}

const mostRemains = 256;
/** After every time that a clock shows. */
const never = 8_640_000_000_000_000;

/**
 * Accounts in Cassandra, as their owners handle them.
 *
 * The lock is in the account's row, and changes by a conditional write of it. A move and an end are handovers (see {@link Handovers}), whose rows are marked on the condition that the account is as it was when its list was compared.
 * The receipt of an end is written before with its handover, which says whether it counts; the remains are written while the handover is finished, and it is finished by somebody.
 */
export class CassandraAccountControl implements AccountControl {
  readonly #parts: AccountControlParts;

  constructor(parts: AccountControlParts) {
    this.#parts = parts;
  }

  async standing(userId: UserId): Promise<AccountStanding | undefined> {
    const row = await this.#parts.users.find(userId);
    return row && { numberCiphertext: row.numberCiphertext, isLocked: row.lock !== undefined };
  }

  putLock({ lock, now, ...owner }: LockChange): Promise<'stored' | 'changed' | 'unknown'> {
    const { turns, users, heard } = this.#parts;
    return turns.take([userTurn(owner.userId)], () =>
      untilDone(async (): Promise<'stored' | 'changed' | 'unknown' | 'outrun'> => {
        const row = await this.#rowOf(owner);
        if (typeof row === 'string') return row;
        await heard.note(owner.userId, now);
        const columns = { lock_salt: lock?.salt, lock_mac: lock?.secretMac, lock_tries: 0, lock_wait_until: 0 };
        return (await users.change(row, columns)) ? 'stored' : 'outrun';
      }),
    );
  }

  moveNumber(move: NumberMove): Promise<MoveOutcome> {
    return this.#parts.turns.take([userTurn(move.userId), numberTurn(move.numberMac)], () =>
      untilDone(() => this.#move(move)),
    );
  }

  end(ending: AccountEnding): Promise<'ended' | 'changed' | 'unknown'> {
    return this.#parts.turns.take([userTurn(ending.userId)], () => untilDone(() => this.#end(ending)));
  }

  async hasEnded(receipt: Uint8Array): Promise<boolean> {
    const { database, handovers } = this.#parts;
    let orphan: string | undefined;
    for (;;) {
      const row = await database.row('SELECT receipt, handover FROM deletion_receipt WHERE receipt = ?', [receipt]);
      if (row === undefined) return false;
      if (row.handover === null) return true;
      const id = String(row.handover);
      const handover = await handovers.find(id);
      if (handover !== undefined) return handover.status === 'committed';
      // It is over, and the receipt was read before: or it is left from one that was aborted.
      if (orphan === id) return false;
      orphan = id;
    }
  }

  async remains(): Promise<readonly AccountRemains[]> {
    const entries = await this.#parts.remains.before(never, mostRemains);
    return entries.slice(0, mostRemains).map(({ at, item }) => ({ userId: item as UserId, endedAt: at }));
  }

  async swept(userIds: readonly UserId[]): Promise<void> {
    const { remains, clock } = this.#parts;
    const swept = new Set<string>(userIds);
    // They come from the oldest: others are swept again.
    for (const entry of await remains.before(never, mostRemains))
      if (swept.has(entry.item)) await remains.remove(entry);
    await remains.dropEmpty(clock.now());
  }

  async #move({ numberMac, numberCiphertext, lock, ...owner }: NumberMove): Promise<MoveOutcome | 'outrun'> {
    const { users, handovers, cleaner, clock } = this.#parts;
    const row = await this.#rowOf(owner);
    if (typeof row === 'string') return { status: row };
    const { userId } = row;
    const holderId = await users.holder(numberMac);
    if (holderId === userId) return { status: 'moved', replaced: undefined };
    const holder = holderId && (await users.settled(holderId));
    const refusal = await tryLock(this.#parts, holder, lock);
    if (refusal === 'outrun') return 'outrun';
    if (refusal !== undefined) return { status: 'locked', refusal };
    const plan: HandoverPlan = {
      begunAt: clock.now(),
      numbers: [
        { mac: hex(numberMac), before: holderId ?? null, after: userId },
        { mac: hex(row.numberMac), before: userId, after: null },
      ],
      moving: { userId, mac: hex(numberMac), ciphertext: hex(numberCiphertext) },
      ...(holder && { ending: { userId: holder.userId, reason: 'replaced', at: lock.now } }),
    };
    const id = await handovers.begin(plan);
    const isMoved = await handovers.carryOut(
      id,
      async () =>
        (await handovers.markNumber(id, numberMac, holderId)) &&
        (await handovers.markNumber(id, row.numberMac, userId)) &&
        (holder === undefined || (await handovers.markUser(id, holder))) &&
        (await handovers.markUser(id, row)),
    );
    if (!isMoved) return 'outrun';
    if (holder) await cleaner.soon({ at: plan.begunAt, what: { kind: 'user', userId: holder.userId } });
    return { status: 'moved', replaced: holder?.userId };
  }

  async #end({ receipt, now, ...owner }: AccountEnding): Promise<'ended' | 'changed' | 'unknown' | 'outrun'> {
    const { handovers, cleaner, clock } = this.#parts;
    const row = await this.#rowOf(owner);
    if (typeof row === 'string') return row;
    const { userId } = row;
    const plan: HandoverPlan = {
      begunAt: clock.now(),
      numbers: [{ mac: hex(row.numberMac), before: userId, after: null }],
      ending: { userId, reason: 'deleted', at: now },
      receipt: hex(receipt),
    };
    const id = await handovers.begin(plan);
    const isEnded = await handovers.carryOut(
      id,
      async () =>
        (await this.#putReceipt(id, receipt)) &&
        (await handovers.markNumber(id, row.numberMac, userId)) &&
        (await handovers.markUser(id, row)),
    );
    if (!isEnded) return 'outrun';
    await cleaner.soon({ at: plan.begunAt, what: { kind: 'user', userId } });
    return 'ended';
  }

  /** Writes a receipt that counts when its handover is committed; false when another one has it still. */
  async #putReceipt(id: string, receipt: Uint8Array): Promise<boolean> {
    const { database, handovers } = this.#parts;
    const put = await database.conditional<{ handover: unknown }>(
      'INSERT INTO deletion_receipt (receipt, handover) VALUES (?, ?) IF NOT EXISTS',
      [receipt, id],
    );
    if (put.status === 'applied') return true;
    const row = await database.row(
      'SELECT receipt, handover FROM deletion_receipt WHERE receipt = ?',
      [receipt],
      'serial',
    );
    if (row === undefined) return false;
    const other = row.handover === null ? undefined : String(row.handover);
    // It counts already.
    if (other === undefined || other === id) return true;
    await handovers.resolve(other);
    await database.conditional('DELETE FROM deletion_receipt WHERE receipt = ? IF handover = ?', [receipt, other]);
    return false;
  }

  /** The account, if it still has the list over which its owner asks. */
  async #rowOf({ userId, listHash }: ProvenOwner): Promise<UserRow | 'changed' | 'unknown'> {
    const row = await this.#parts.users.settled(userId);
    if (row?.state !== 'live') return 'unknown';
    return Buffer.compare(row.list.hash, listHash) === 0 ? row : 'changed';
  }
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
