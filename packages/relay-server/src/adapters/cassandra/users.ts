import { randomUUID } from 'node:crypto';
import type { NumberMac, UserId } from '../../ports/ids.ts';
import { digestOfEndedUser } from '../ended-user.ts';
import { userIdToBytes } from '../user-id-bytes.ts';
import type { CassandraDatabase, CqlRow } from './cassandra-database.ts';
import { unavailable } from './cassandra-failure.ts';
import type { Handovers } from './handovers.ts';
import { untilDone } from './until-done.ts';
import { type UserChange, type UserRow, userColumns, userRowOf } from './user-row.ts';

/** Numbers that are looked up at once. */
const atOnce = 64;

/** Some columns of an account, and what its handover makes of it. */
export interface SeenUser {
  readonly row: CqlRow;
  readonly state: 'live' | 'ended';
  /** When it has got another one. */
  readonly number?: Pick<UserRow, 'numberMac' | 'numberCiphertext'>;
}

/** The rows of accounts and numbers, as their handovers make them. */
export class Users {
  readonly #database: CassandraDatabase;
  readonly #handovers: Handovers;

  constructor(database: CassandraDatabase, handovers: Handovers) {
    this.#database = database;
    this.#handovers = handovers;
  }

  /**
   * An account that is there now. One read, and two more while it is handed over.
   * @throws {RelayError} `request-malformed` when the id is no UUID
   */
  async find(userId: UserId): Promise<UserRow | undefined> {
    const row = await this.look(userId);
    return row?.state === 'live' ? row : undefined;
  }

  /** An account that is there, or has ended and is not cleaned up yet. */
  async look(userId: UserId): Promise<UserRow | undefined> {
    const seen = await this.lookAt(userId, userColumns);
    if (seen === undefined) return undefined;
    const row = userRowOf(seen.row);
    const moved = seen.number === undefined ? row : { ...row, ...seen.number };
    return { ...moved, state: seen.state };
  }

  /** Some columns of an account (`state` and `handover` among them), and what its handover makes of it. */
  async lookAt(userId: UserId, columns: string): Promise<SeenUser | undefined> {
    let orphan: string | undefined;
    // For what is no UUID: as all adapters say it.
    userIdToBytes(userId);
    return untilDone(async (): Promise<SeenUser | undefined | 'outrun'> => {
      const row = await this.#database.row(`SELECT ${columns} FROM user WHERE id = ?`, [userId]);
      if (row === undefined || row.state === null) return undefined;
      const asItIs = row.state === 'coming' ? undefined : { row, state: row.state as 'live' | 'ended' };
      if (row.handover === null) return asItIs;
      const id = String(row.handover);
      const handover = await this.#handovers.find(id);
      if (handover === undefined) {
        // It is over, and this row was read before: or its mark is left from one that was aborted.
        if (orphan === id) return asItIs;
        orphan = id;
        return 'outrun';
      }
      if (handover.status !== 'committed') return asItIs;
      const { ending, moving } = handover.plan;
      if (ending?.userId === userId) return { row: { ...row, end_reason: ending.reason }, state: 'ended' };
      if (moving?.userId !== userId) return { row, state: 'live' };
      const number = {
        numberMac: Buffer.from(moving.mac, 'hex'),
        numberCiphertext: Buffer.from(moving.ciphertext, 'hex'),
      };
      return { row, state: 'live', number };
    });
  }

  /** An account's row for a change, when nothing is under way with it; also one that has ended. */
  async settled(userId: UserId): Promise<UserRow | undefined> {
    userIdToBytes(userId);
    return untilDone(async (): Promise<UserRow | undefined | 'outrun'> => {
      const found = await this.#database.row(`SELECT ${userColumns} FROM user WHERE id = ?`, [userId]);
      if (found === undefined || found.state === null) return undefined;
      const row = userRowOf(found);
      if (row.handover === undefined) return row;
      await this.#handovers.resolve(row.handover);
      await this.#handovers.unmarkUser(row.handover, row);
      return 'outrun';
    });
  }

  /** Whether an account has this id, or had it once. */
  async isTaken(userId: UserId): Promise<boolean> {
    return (await this.settled(userId)) !== undefined || (await this.hasEnded(userId));
  }

  /** Whether this was an account's id, and its row is cleaned up. */
  async hasEnded(userId: UserId): Promise<boolean> {
    const digest = digestOfEndedUser(userIdToBytes(userId));
    return (await this.#database.row('SELECT digest FROM ended_user WHERE digest = ?', [digest])) !== undefined;
  }

  /**
   * Changes an account that is as it was read; false when somebody was quicker.
   * @throws {RelayError} `store-unavailable` when it can't be known whether it was changed
   */
  async change(before: UserRow, columns: UserChange): Promise<boolean> {
    const stamp = randomUUID();
    const sets = [...Object.keys(columns), 'stamp'].map((name) => `${name} = ?`);
    const outcome = await this.#database.conditional(
      `UPDATE user SET ${sets.join(', ')} WHERE id = ? IF stamp = ? AND handover = null`,
      [...Object.values(columns), stamp, before.userId, before.stamp],
    );
    if (outcome.status !== 'unknown') return outcome.status === 'applied';
    const row = await this.#database.row('SELECT stamp FROM user WHERE id = ?', [before.userId], 'serial');
    if (row !== undefined && String(row.stamp) === stamp) return true;
    // The read has settled it: what is as it was will stay so.
    if (row !== undefined && String(row.stamp) === before.stamp) return false;
    throw unavailable(outcome.cause);
  }

  /** Who has each of these numbers. Of none it asks the cluster something nevertheless: that is how it is found out whether it answers. */
  async byNumbers(macs: readonly NumberMac[]): Promise<(UserId | undefined)[]> {
    if (macs.length === 0)
      await this.#database.row('SELECT scope FROM schema_version WHERE scope = ? LIMIT 1', ['relay']);
    const holders: (UserId | undefined)[] = [];
    for (let from = 0; from < macs.length; from += atOnce) {
      holders.push(...(await Promise.all(macs.slice(from, from + atOnce).map((mac) => this.#holderNow(mac)))));
    }
    return holders;
  }

  /** Who has a number, when nothing is under way with it. */
  holder(mac: NumberMac): Promise<UserId | undefined> {
    return untilDone(async (): Promise<UserId | undefined | 'outrun'> => {
      const row = await this.#numberRow(mac);
      if (row?.handover === undefined) return row?.userId;
      await this.#handovers.resolve(row.handover);
      await this.#handovers.unmarkNumber(row.handover, mac);
      return 'outrun';
    });
  }

  async #holderNow(mac: NumberMac): Promise<UserId | undefined> {
    const hex = Buffer.from(mac).toString('hex');
    let orphan: string | undefined;
    return untilDone(async (): Promise<UserId | undefined | 'outrun'> => {
      const row = await this.#numberRow(mac);
      if (row?.handover === undefined) return row?.userId;
      const handover = await this.#handovers.find(row.handover);
      if (handover?.status === 'committed') {
        return handover.plan.numbers.find((number) => number.mac === hex)?.after ?? undefined;
      }
      if (handover !== undefined || orphan === row.handover) return row.userId;
      orphan = row.handover;
      return 'outrun';
    });
  }

  async #numberRow(mac: NumberMac): Promise<{ userId: UserId | undefined; handover: string | undefined } | undefined> {
    const row = await this.#database.row('SELECT user_id, handover FROM user_by_number WHERE number_mac = ?', [mac]);
    return (
      row && {
        userId: row.user_id === null ? undefined : (String(row.user_id) as UserId),
        handover: row.handover === null ? undefined : String(row.handover),
      }
    );
  }
}
