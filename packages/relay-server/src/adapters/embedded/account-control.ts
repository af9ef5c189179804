import type { Statement } from 'better-sqlite3';
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
import type { UserId } from '../../ports/ids.ts';
import { userIdFromBytes, userIdToBytes } from '../user-id-bytes.ts';
import type { OwnerRows } from './owner-rows.ts';
import type { RelayDatabase } from './relay-database.ts';

interface StandingRow {
  readonly numberMac: Buffer;
  readonly numberCiphertext: Buffer;
  readonly listHash: Buffer;
  readonly salt: Buffer | null;
}

/** Accounts in SQLite, as their owners handle them. */
export class EmbeddedAccountControl implements AccountControl {
  readonly #database: RelayDatabase;
  readonly #owners: OwnerRows;
  readonly #standing: Statement<[Buffer], StandingRow>;
  readonly #putLock: Statement<[Uint8Array | null, Uint8Array | null, number, Buffer]>;
  readonly #move: Statement<[Uint8Array, Uint8Array, Buffer]>;
  readonly #forgetCodes: Statement<[Uint8Array]>;
  readonly #putReceipt: Statement<[Uint8Array]>;
  readonly #receipt: Statement<[Uint8Array]>;
  readonly #unswept: Statement<[], { userId: Buffer; endedAt: number }>;
  readonly #swept: Statement<[Buffer]>;

  constructor(database: RelayDatabase, owners: OwnerRows) {
    const { sql } = database;
    this.#database = database;
    this.#owners = owners;
    this.#standing = sql.prepare(
      `SELECT number_mac AS numberMac, number_ciphertext AS numberCiphertext, list_hash AS listHash,
         lock_salt AS salt
       FROM account WHERE user_id = ?`,
    );
    this.#putLock = sql.prepare(
      `UPDATE account SET lock_salt = ?, lock_mac = ?, lock_tries = 0, lock_wait_until = 0,
         heard_at = max(coalesce(heard_at, created_at), ?) WHERE user_id = ?`,
    );
    this.#move = sql.prepare('UPDATE account SET number_mac = ?, number_ciphertext = ? WHERE user_id = ?');
    this.#forgetCodes = sql.prepare('DELETE FROM verification WHERE number_mac = ?');
    this.#putReceipt = sql.prepare('INSERT OR IGNORE INTO deletion_receipt (receipt) VALUES (?)');
    this.#receipt = sql.prepare('SELECT 1 FROM deletion_receipt WHERE receipt = ?');
    this.#unswept = sql.prepare(
      'SELECT user_id AS userId, ended_at AS endedAt FROM unswept_user ORDER BY ended_at LIMIT 256',
    );
    this.#swept = sql.prepare('DELETE FROM unswept_user WHERE user_id = ?');
  }

  standing(userId: UserId): Promise<AccountStanding | undefined> {
    return this.#database.read(() => {
      const row = this.#standing.get(userIdToBytes(userId));
      return row && { numberCiphertext: row.numberCiphertext, isLocked: row.salt !== null };
    });
  }

  putLock({ lock, now, ...owner }: LockChange): Promise<'stored' | 'changed' | 'unknown'> {
    return this.#database.write('other', () => {
      const row = this.#rowOf(owner);
      if (typeof row === 'string') return row;
      this.#putLock.run(lock?.salt ?? null, lock?.secretMac ?? null, now, userIdToBytes(owner.userId));
      return 'stored';
    });
  }

  moveNumber({ numberMac, numberCiphertext, lock, ...owner }: NumberMove): Promise<MoveOutcome> {
    return this.#database.write('registration', (): MoveOutcome => {
      const { userId } = owner;
      const row = this.#rowOf(owner);
      if (typeof row === 'string') return { status: row };
      const holder = this.#owners.holder(numberMac);
      if (holder === userId) return { status: 'moved', replaced: undefined };
      const refusal = this.#owners.tryLock(numberMac, lock);
      if (refusal !== undefined) return { status: 'locked', refusal };
      if (holder !== undefined) this.#owners.end(holder, 'replaced', lock.now);
      this.#move.run(numberMac, numberCiphertext, userIdToBytes(userId));
      return { status: 'moved', replaced: holder };
    });
  }

  end({ receipt, now, ...owner }: AccountEnding): Promise<'ended' | 'changed' | 'unknown'> {
    return this.#database.write('deletion', () => {
      const row = this.#rowOf(owner);
      if (typeof row === 'string') return row;
      this.#owners.end(owner.userId, 'deleted', now);
      this.#forgetCodes.run(row.numberMac);
      this.#putReceipt.run(receipt);
      return 'ended';
    });
  }

  hasEnded(receipt: Uint8Array): Promise<boolean> {
    return this.#database.read(() => this.#receipt.get(receipt) !== undefined);
  }

  remains(): Promise<readonly AccountRemains[]> {
    return this.#database.read(() =>
      this.#unswept.all().map(({ userId, endedAt }) => ({ userId: userIdFromBytes(userId), endedAt })),
    );
  }

  swept(userIds: readonly UserId[]): Promise<void> {
    return this.#database.write('other', () => {
      for (const userId of userIds) this.#swept.run(userIdToBytes(userId));
    });
  }

  /** The account's row, if it still has the list over which its owner asks. */
  #rowOf({ userId, listHash }: ProvenOwner): StandingRow | 'changed' | 'unknown' {
    const row = this.#standing.get(userIdToBytes(userId));
    if (row === undefined) return 'unknown';
    return row.listHash.equals(listHash) ? row : 'changed';
  }
}
