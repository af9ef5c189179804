import { dayMs } from '../../platform/utc-day.ts';
import type { TokenEnd } from '../../ports/token-store.ts';
import { endedTokenRetentionMs } from '../retention.ts';
import type { CassandraDatabase } from './cassandra-database.ts';
import { DueList } from './due-list.ts';

const some = 1000;

/** Why the last refresh token of a device that is gone has ended: by the token's hash alone, so that nothing leads from there to its account. */
export class EndedTokens {
  readonly #database: CassandraDatabase;
  readonly #unfound: DueList;
  readonly #found: DueList;

  constructor(database: CassandraDatabase, realm: string) {
    this.#database = database;
    this.#unfound = new DueList(database, realm, { name: 'unfound-tokens', slotMs: dayMs, shards: 4 });
    this.#found = new DueList(database, realm, { name: 'found-tokens', slotMs: dayMs, shards: 16 });
  }

  async note(refresh: Uint8Array, reason: TokenEnd): Promise<void> {
    await this.#unfound.add({ at: 0, item: Buffer.from(refresh).toString('hex') });
    await this.#database.write('INSERT INTO ended_token (hash, reason) VALUES (?, ?)', [refresh, reason]);
  }

  async reason(refresh: Uint8Array): Promise<TokenEnd | undefined> {
    const row = await this.#database.row<{ reason: TokenEnd }>('SELECT reason FROM ended_token WHERE hash = ?', [
      refresh,
    ]);
    return row?.reason;
  }

  /** Forgets those that a sweep has found 60 days before, and finds the others. */
  async sweep(now: number): Promise<void> {
    for (const entry of await this.#unfound.before(1, some)) {
      await this.#found.add({ at: now, item: entry.item });
      await this.#unfound.remove(entry);
    }
    const end = now - endedTokenRetentionMs;
    for (const entry of await this.#found.before(end, some)) {
      await this.#database.write('DELETE FROM ended_token WHERE hash = ?', [Buffer.from(entry.item, 'hex')]);
      await this.#found.remove(entry);
    }
    await this.#found.dropEmpty(end);
  }
}
