import type { Statement } from 'better-sqlite3';
import { RelayError } from '../../relay-error.ts';
import type { RelayDatabase } from './relay-database.ts';

/** Refresh tokens as a registration begins them. */
export class TokenRows {
  readonly #isKnown: Statement<[Uint8Array]>;
  readonly #begin: Statement<[Uint8Array, number]>;

  constructor(database: RelayDatabase) {
    this.#isKnown = database.sql.prepare('SELECT 1 FROM refresh_token WHERE hash = ?');
    this.#begin = database.sql.prepare('INSERT INTO refresh_token (hash, device) VALUES (?, ?)');
  }

  isKnown(refresh: Uint8Array): boolean {
    return this.#isKnown.get(refresh) !== undefined;
  }

  /** @throws {RelayError} `request-malformed` when it has been seen before */
  checkNew(refresh: Uint8Array): void {
    if (!this.isKnown(refresh)) return;
    throw new RelayError('request-malformed', 'this refresh token has been used before: make a new random one');
  }

  /** Makes it the current refresh token of a device. */
  begin(device: number, refresh: Uint8Array): void {
    this.#begin.run(refresh, device);
  }
}
