import type { Statement } from 'better-sqlite3';
import type { UserId } from '../../ports/ids.ts';
import type { LockAttempt, LockRefusal } from '../../ports/registration-lock.ts';
import type { TokenEnd } from '../../ports/token-store.ts';
import { digestOfEndedUser } from '../ended-user.ts';
import { lockVerdict } from '../lock-verdict.ts';
import { userIdFromBytes, userIdToBytes } from '../user-id-bytes.ts';
import type { DeviceRows } from './device-rows.ts';
import type { GroupRows } from './group-rows.ts';
import type { RelayDatabase } from './relay-database.ts';

interface HolderRow {
  readonly userId: Buffer;
  readonly heardAt: number;
  readonly salt: Buffer | null;
  readonly secretMac: Buffer | null;
  readonly tries: number;
  readonly waitUntil: number;
}

/** Who has a number, and how it changes hands. `tryLock` and `end` write, and belong into a transaction. */
export class OwnerRows {
  readonly #devices: DeviceRows;
  readonly #groups: GroupRows;
  readonly #hasEnded: Statement<[Buffer]>;
  readonly #holder: Statement<[Uint8Array], HolderRow>;
  readonly #countTry: Statement<[number, number, Buffer]>;
  readonly #end: Statement<[Buffer]>;
  readonly #remove: Statement<[Buffer]>;
  readonly #leave: Statement<[Buffer, number]>;

  constructor(database: RelayDatabase, devices: DeviceRows, groups: GroupRows) {
    const { sql } = database;
    this.#devices = devices;
    this.#groups = groups;
    this.#hasEnded = sql.prepare('SELECT 1 FROM ended_user WHERE digest = ?');
    this.#holder = sql.prepare(
      `SELECT user_id AS userId, coalesce(heard_at, created_at) AS heardAt, lock_salt AS salt, lock_mac AS secretMac,
         lock_tries AS tries, lock_wait_until AS waitUntil FROM account WHERE number_mac = ?`,
    );
    this.#countTry = sql.prepare('UPDATE account SET lock_tries = ?, lock_wait_until = ? WHERE user_id = ?');
    this.#end = sql.prepare('INSERT INTO ended_user (digest) VALUES (?)');
    this.#remove = sql.prepare('DELETE FROM account WHERE user_id = ?');
    this.#leave = sql.prepare('INSERT INTO unswept_user (user_id, ended_at) VALUES (?, ?)');
  }

  /** Whether this was an account's id, and is no more. */
  hasEnded(userId: UserId): boolean {
    return this.#hasEnded.get(digestOfEndedUser(userIdToBytes(userId))) !== undefined;
  }

  /** The account that has a number. */
  holder(numberMac: Uint8Array): UserId | undefined {
    const row = this.#holder.get(numberMac);
    return row === undefined ? undefined : userIdFromBytes(row.userId);
  }

  /** Judges an attempt at the account that has a number, and keeps the try; the refusal, if it stays closed. */
  tryLock(numberMac: Uint8Array, attempt: LockAttempt): LockRefusal | undefined {
    const row = this.#holder.get(numberMac);
    if (row === undefined) return undefined;
    const { userId, heardAt, salt, secretMac, tries, waitUntil } = row;
    const lock = salt === null || secretMac === null ? undefined : { salt, secretMac, tries, waitUntil };
    const verdict = lockVerdict(lock, heardAt, attempt);
    if (verdict.status === 'open') return undefined;
    if (verdict.next !== undefined) this.#countTry.run(verdict.next.tries, verdict.next.waitUntil, userId);
    return verdict.refusal;
  }

  /** Removes an account with all that hangs on it but its blobs, which are left to be swept; its id is never given out again. */
  end(userId: UserId, reason: TokenEnd, now: number): void {
    const user = userIdToBytes(userId);
    this.#devices.removeAll(userId, reason);
    this.#groups.leaveAll(userId, now);
    this.#remove.run(user);
    this.#end.run(digestOfEndedUser(user));
    this.#leave.run(user, now);
  }
}
