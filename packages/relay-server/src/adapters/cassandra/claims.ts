import type { UserId } from '../../ports/ids.ts';
import type { CassandraDatabase } from './cassandra-database.ts';
import { unavailable } from './cassandra-failure.ts';
import type { Handovers } from './handovers.ts';
import type { UserRow } from './user-row.ts';
import type { Users } from './users.ts';

interface Claim {
  readonly attempt: string;
  readonly userId: UserId;
}

/**
 * Which account a request has registered or recovered, by its idempotency key.
 *
 * The truth is the account's own row, which has the key: a claim only tells where to look, and keeps two requests with one key apart while they are under way. One that no account bears out counts for nothing, and the next request takes it over, when what had it is decided.
 */
export class Claims {
  readonly #database: CassandraDatabase;
  readonly #users: Users;
  readonly #handovers: Handovers;

  constructor(database: CassandraDatabase, users: Users, handovers: Handovers) {
    this.#database = database;
    this.#users = users;
    this.#handovers = handovers;
  }

  /** The account that a request with this key has made, if it is still there and was not recovered by another one. */
  async account(key: Uint8Array): Promise<UserRow | undefined> {
    const claim = await this.#find(key);
    return claim && this.#borneOut(key, claim);
  }

  /** Takes a key for an attempt, unless an account bears it out; false when it does, or somebody else was quicker. An attempt that had it can't be decided any more. */
  async take(key: Uint8Array, attempt: string, userId: UserId): Promise<boolean> {
    const before = await this.#find(key);
    if (before !== undefined && (await this.#borneOut(key, before)) !== undefined) return false;
    const outcome = await this.#database.conditional(
      'UPDATE registration SET attempt = ?, user_id = ? WHERE idempotency_key = ? IF attempt = ?',
      [attempt, userId, key, before?.attempt],
    );
    if (outcome.status !== 'unknown') return outcome.status === 'applied';
    return (await this.#find(key, 'serial'))?.attempt === attempt;
  }

  /** Lets go of a key that an attempt had. */
  async drop(key: Uint8Array, attempt: string): Promise<void> {
    const outcome = await this.#database.conditional(
      'DELETE FROM registration WHERE idempotency_key = ? IF attempt = ?',
      [key, attempt],
    );
    if (outcome.status === 'unknown') throw unavailable(outcome.cause);
  }

  /** Lets go of a key that an account had. */
  async dropOf(userId: UserId, key: Uint8Array): Promise<void> {
    const outcome = await this.#database.conditional(
      'DELETE FROM registration WHERE idempotency_key = ? IF user_id = ?',
      [key, userId],
    );
    if (outcome.status === 'unknown') throw unavailable(outcome.cause);
  }

  async #borneOut(key: Uint8Array, { attempt, userId }: Claim): Promise<UserRow | undefined> {
    // Decided or not: a claim whose handover is under way may yet be borne out.
    await this.#handovers.resolve(attempt);
    const row = await this.#users.find(userId);
    return row !== undefined && Buffer.compare(row.idempotencyKey, key) === 0 ? row : undefined;
  }

  async #find(key: Uint8Array, consistency: 'quorum' | 'serial' = 'quorum'): Promise<Claim | undefined> {
    const row = await this.#database.row(
      'SELECT attempt, user_id FROM registration WHERE idempotency_key = ?',
      [key],
      consistency,
    );
    if (row === undefined || row.attempt === null) return undefined;
    return { attempt: String(row.attempt), userId: String(row.user_id) as UserId };
  }
}
