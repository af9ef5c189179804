import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { UserId } from '../../ports/ids.ts';
import { allDone } from './all-done.ts';
import type { CassandraDatabase, Conditional } from './cassandra-database.ts';
import { unavailable } from './cassandra-failure.ts';
import type { HandoverPlan, HandoverRow } from './handover-plan.ts';
import { type UserChange, type UserRow, userColumns } from './user-row.ts';

/** What is done for a handover outside of its rows, when it is decided; each is harmless when it is done twice. */
export interface HandoverWatch {
  /** Before anything else: so that it is found if its node dies. */
  begun(id: string, plan: HandoverPlan): Promise<void>;
  /** When it is decided, and before it is forgotten. */
  committed(id: string, plan: HandoverPlan): Promise<void>;
  aborted(id: string, plan: HandoverPlan): Promise<void>;
  /** When it is forgotten. */
  over(id: string, plan: HandoverPlan): Promise<void>;
}

const pauseMs = 20;

/**
 * Changes of several rows at once: rows of `user` and `user_by_number` that are to change together carry the id of a handover, whose one row in `handover` says whether they have.
 *
 * The truth is `handover.status`, decided by one conditional write: until then each row counts as it is (and a coming account as none), from then on as the plan says, whatever is written of it yet.
 * A node that dies before the decision leaves a handover that the next one who needs a row waits for, then aborts; after it, one that anybody finishes, whoever comes first. A mark whose handover is not there is left from one that was aborted.
 */
export class Handovers {
  readonly #database: CassandraDatabase;
  readonly #watch: HandoverWatch;
  readonly #patienceMs: number;

  /** @param patienceMs how long the handover of somebody else is waited for before it is aborted */
  constructor(database: CassandraDatabase, watch: HandoverWatch, patienceMs: number) {
    this.#database = database;
    this.#watch = watch;
    this.#patienceMs = patienceMs;
  }

  /** Writes down what is going to be done; gives its id. */
  async begin(plan: HandoverPlan): Promise<string> {
    const id = randomUUID();
    await this.#watch.begun(id, plan);
    certain(
      await this.#database.conditional('INSERT INTO handover (id, status, plan) VALUES (?, ?, ?) IF NOT EXISTS', [
        id,
        'pending',
        JSON.stringify(plan),
      ]),
    );
    return id;
  }

  /** Marks a number, if it is `holder`'s and nobody else has marked it. When the answer is lost, a serial read tells, here as below: what is not there then will never be. */
  async markNumber(id: string, mac: Uint8Array, holder: UserId | undefined): Promise<boolean> {
    const outcome = await this.#database.conditional(
      'UPDATE user_by_number SET handover = ? WHERE number_mac = ? IF user_id = ? AND handover = null',
      [id, mac, holder],
    );
    if (outcome.status !== 'unknown') return outcome.status === 'applied';
    const row = await this.#database.row('SELECT handover FROM user_by_number WHERE number_mac = ?', [mac], 'serial');
    return row !== undefined && row.handover !== null && String(row.handover) === id;
  }

  /** Marks an account, if it is as it was read. */
  async markUser(id: string, { userId, stamp }: UserRow): Promise<boolean> {
    const outcome = await this.#database.conditional(
      'UPDATE user SET handover = ?, stamp = ? WHERE id = ? IF stamp = ? AND handover = null',
      [id, randomUUID(), userId, stamp],
    );
    if (outcome.status !== 'unknown') return outcome.status === 'applied';
    return (await this.#markOfUser(userId)) === id;
  }

  /** Writes an account that is to come, if there is no row with its id. */
  async come(id: string, userId: UserId, columns: UserChange): Promise<boolean> {
    const all: UserChange = { id: userId, state: 'coming', stamp: randomUUID(), handover: id, ...columns };
    const names = Object.keys(all);
    const outcome = await this.#database.conditional(
      `INSERT INTO user (${names.join(', ')}) VALUES (${names.map(() => '?').join(', ')}) IF NOT EXISTS`,
      Object.values(all),
    );
    if (outcome.status !== 'unknown') return outcome.status === 'applied';
    return (await this.#markOfUser(userId)) === id;
  }

  /** Commits a handover whose rows `mark` could mark, and finishes it; whether it was. Somebody else may have aborted it. */
  async carryOut(id: string, mark: () => Promise<boolean>): Promise<boolean> {
    try {
      const isCommitted = (await mark()) && (await this.#decide(id, 'committed')) === 'committed';
      await this.finish(id);
      return isCommitted;
    } catch (error) {
      // Whatever is known of it by now is finished, so that nobody has to wait for it; if that fails too, the next one does.
      await this.finish(id).catch(() => undefined);
      throw error;
    }
  }

  /** A handover as it is; `undefined` when it is over. */
  async find(id: string, consistency: 'quorum' | 'serial' = 'quorum'): Promise<HandoverRow | undefined> {
    const row = await this.#database.row<{ status: string | null; plan: string }>(
      'SELECT status, plan FROM handover WHERE id = ?',
      [id],
      consistency,
    );
    if (row === undefined || row.status === null) return undefined;
    return { status: row.status as HandoverRow['status'], plan: JSON.parse(row.plan) };
  }

  /** Brings a handover to its end: one that is decided is finished, one that is not is waited for a while, then aborted. */
  async resolve(id: string, patienceMs = this.#patienceMs): Promise<void> {
    let row = await this.find(id);
    for (let waited = 0; row?.status === 'pending' && waited < patienceMs; waited += pauseMs) {
      await pause(pauseMs);
      row = await this.find(id);
    }
    await this.finish(id);
  }

  /** Aborts a handover if it is not decided, and carries out what was decided, row by row. */
  async finish(id: string): Promise<void> {
    const row = await this.find(id);
    if (row === undefined) return;
    const status = row.status === 'pending' ? await this.#decide(id, 'aborted') : row.status;
    if (status === undefined) return;
    const { plan } = row;
    const { coming, ending, moving } = plan;
    if (status === 'committed') {
      await allDone([
        ending && this.#change(id, ending.userId, ended(ending)),
        coming && this.#change(id, coming.userId, { state: 'live' }),
        moving && this.#change(id, moving.userId, numberOf(moving)),
        ...plan.numbers.map(({ mac, after }) => this.#giveNumber(id, mac, after)),
        this.#watch.committed(id, plan),
      ]);
    } else {
      await allDone([
        coming && this.dropComing(id, coming.userId),
        ending && this.#change(id, ending.userId, {}),
        moving && this.#change(id, moving.userId, {}),
        ...plan.numbers.map(({ mac, before }) => this.#giveNumber(id, mac, before)),
        this.#watch.aborted(id, plan),
      ]);
    }
    certain(await this.#database.conditional('DELETE FROM handover WHERE id = ? IF EXISTS', [id]));
    await this.#watch.over(id, plan);
  }

  /** Takes the mark of a handover that is over off an account. */
  async unmarkUser(id: string, { userId, state }: UserRow): Promise<void> {
    if (state === 'coming') await this.dropComing(id, userId);
    else await this.#change(id, userId, {});
  }

  /** Takes the mark of a handover that is over off a number. */
  async unmarkNumber(id: string, mac: Uint8Array): Promise<void> {
    certain(
      await this.#database.conditional(
        'UPDATE user_by_number SET handover = null WHERE number_mac = ? IF handover = ?',
        [mac, id],
      ),
    );
  }

  async dropComing(id: string, userId: UserId): Promise<void> {
    certain(
      await this.#database.conditional('DELETE FROM user WHERE id = ? IF handover = ? AND state = ?', [
        userId,
        id,
        'coming',
      ]),
    );
  }

  async #decide(id: string, status: 'committed' | 'aborted'): Promise<'committed' | 'aborted' | undefined> {
    const outcome = await this.#database.conditional<{ status: string | null }>(
      'UPDATE handover SET status = ? WHERE id = ? IF status = ?',
      [status, id, 'pending'],
    );
    if (outcome.status === 'applied') return status;
    const decided = await this.find(id, 'serial');
    // It may have been decided by this very write, and finished by somebody else.
    const isLost = decided === undefined && outcome.status === 'unknown' && status === 'committed';
    if (decided?.status !== 'pending' && !isLost) return decided?.status;
    throw unavailable(outcome.status === 'unknown' ? outcome.cause : undefined);
  }

  async #change(id: string, userId: UserId, columns: UserChange): Promise<void> {
    const all: UserChange = { ...columns, stamp: randomUUID(), handover: null };
    const sets = Object.keys(all).map((name) => `${name} = ?`);
    certain(
      await this.#database.conditional(`UPDATE user SET ${sets.join(', ')} WHERE id = ? IF handover = ?`, [
        ...Object.values(all),
        userId,
        id,
      ]),
    );
  }

  async #giveNumber(id: string, mac: string, userId: UserId | null): Promise<void> {
    const key = Buffer.from(mac, 'hex');
    certain(
      userId === null
        ? await this.#database.conditional('DELETE FROM user_by_number WHERE number_mac = ? IF handover = ?', [key, id])
        : await this.#database.conditional(
            'UPDATE user_by_number SET user_id = ?, handover = null WHERE number_mac = ? IF handover = ?',
            [userId, key, id],
          ),
    );
  }

  async #markOfUser(userId: UserId): Promise<string | undefined> {
    const row = await this.#database.row(`SELECT ${userColumns} FROM user WHERE id = ?`, [userId], 'serial');
    return row === undefined || row.handover === null ? undefined : String(row.handover);
  }
}

function numberOf({ mac, ciphertext }: NonNullable<HandoverPlan['moving']>): UserChange {
  return { number_mac: Buffer.from(mac, 'hex'), number_ciphertext: Buffer.from(ciphertext, 'hex') };
}

/** What is left of an account that has ended, until it is cleaned up: who its devices were, and why it ended. */
function ended({ reason, at }: NonNullable<HandoverPlan['ending']>): UserChange {
  return {
    state: 'ended',
    end_reason: reason,
    ended_at: at,
    number_ciphertext: null,
    list_signed: null,
    list_hash: null,
    root_key: null,
    identity_key: null,
    profile: null,
    access_key_hash: null,
    lock_salt: null,
    lock_mac: null,
    lock_tries: null,
    lock_wait_until: null,
    request_hash: null,
  };
}

/** A step that is done again when it is not known whether it was: the handover stays until then. */
function certain(outcome: Conditional<unknown>): void {
  if (outcome.status === 'unknown') throw unavailable(outcome.cause);
}
