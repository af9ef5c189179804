import { timingSafeEqual } from 'node:crypto';
import type { Statement } from 'better-sqlite3';
import type { NumberMac } from '../../ports/ids.ts';
import type {
  Verification,
  VerificationAttempt,
  VerificationGuess,
  VerificationStart,
  VerificationStore,
} from '../../ports/verification-store.ts';
import type { RelayDatabase } from './relay-database.ts';

interface Row {
  readonly numberMac: Buffer;
  readonly numberCiphertext: Buffer;
  readonly codeMac: Buffer;
  readonly expiresAt: number;
  readonly attempts: number;
  readonly claim: Buffer | null;
  readonly isVoid: number;
}

/** Verification codes in SQLite: a try counts, also when the process dies over it. */
export class EmbeddedVerificationStore implements VerificationStore {
  readonly #database: RelayDatabase;
  readonly #latest: Statement<[Uint8Array], { createdAt: number | null }>;
  readonly #void: Statement<[Uint8Array]>;
  readonly #insert: Statement<[string, Uint8Array, Uint8Array, Uint8Array, number, number]>;
  readonly #cancel: Statement<[string]>;
  readonly #find: Statement<[string], Row>;
  readonly #count: Statement<[string]>;
  readonly #claim: Statement<[Uint8Array, string]>;
  readonly #sweep: Statement<[number]>;

  constructor(database: RelayDatabase) {
    const { sql } = database;
    this.#database = database;
    this.#latest = sql.prepare('SELECT max(created_at) AS createdAt FROM verification WHERE number_mac = ?');
    this.#void = sql.prepare('UPDATE verification SET is_void = 1 WHERE number_mac = ?');
    this.#insert = sql.prepare(
      `INSERT INTO verification (id, number_mac, number_ciphertext, code_mac, created_at, expires_at)
       VALUES (?, ?, ?, ?, ?, ?)`,
    );
    this.#cancel = sql.prepare('DELETE FROM verification WHERE id = ? AND claim IS NULL');
    this.#find = sql.prepare(
      `SELECT number_mac AS numberMac, number_ciphertext AS numberCiphertext, code_mac AS codeMac,
         expires_at AS expiresAt, attempts, claim, is_void AS isVoid FROM verification WHERE id = ?`,
    );
    this.#count = sql.prepare('UPDATE verification SET attempts = attempts + 1 WHERE id = ?');
    this.#claim = sql.prepare('UPDATE verification SET claim = ? WHERE id = ?');
    this.#sweep = sql.prepare('DELETE FROM verification WHERE expires_at < ?');
  }

  start(verification: Verification, resendAfterMs: number): Promise<VerificationStart> {
    return this.#database.write('other', () => {
      const { id, numberMac, numberCiphertext, codeMac, createdAt, expiresAt } = verification;
      const latest = this.#latest.get(numberMac)?.createdAt;
      const age = latest == null ? resendAfterMs : createdAt - latest;
      // A clock that was set back must not bar a number for longer than the pause itself.
      if (age < resendAfterMs)
        return { status: 'too-soon', retryAfterMs: Math.min(resendAfterMs, resendAfterMs - age) };
      this.#void.run(numberMac);
      this.#insert.run(id, numberMac, numberCiphertext, codeMac, createdAt, expiresAt);
      return { status: 'started' };
    });
  }

  cancel(id: string): Promise<void> {
    return this.#database.write('other', () => {
      this.#cancel.run(id);
    });
  }

  numberOf(id: string): Promise<NumberMac | undefined> {
    return this.#database.read(() => this.#find.get(id)?.numberMac as Uint8Array | undefined as NumberMac | undefined);
  }

  attempt({ id, codeMac, claim, maxAttempts, now }: VerificationGuess): Promise<VerificationAttempt> {
    return this.#database.write('other', (): VerificationAttempt => {
      const row = this.#find.get(id);
      if (row === undefined) return { status: 'unknown' };
      if (now >= row.expiresAt) return { status: 'expired' };
      if (row.isVoid !== 0) return { status: 'void' };
      const isRight = row.codeMac.length === codeMac.length && timingSafeEqual(row.codeMac, codeMac);
      const right = {
        status: 'right',
        numberMac: row.numberMac as Uint8Array as NumberMac,
        numberCiphertext: row.numberCiphertext,
      } as const;
      if (row.claim !== null) return isRight && row.claim.equals(claim) ? right : { status: 'used' };
      if (row.attempts >= maxAttempts) return { status: 'void' };
      this.#count.run(id);
      if (!isRight) return { status: 'wrong', attemptsLeft: maxAttempts - row.attempts - 1 };
      this.#claim.run(claim, id);
      return right;
    });
  }

  sweep(now: number): Promise<number> {
    return this.#database.write('other', () => this.#sweep.run(now).changes);
  }
}
