import type { UserId } from '../../ports/ids.ts';
import { type CassandraDatabase, writtenForEver } from './cassandra-database.ts';

/** When a device of an account was heard of last: the latest time wins, whoever writes it last. */
export class Heard {
  readonly #database: CassandraDatabase;

  constructor(database: CassandraDatabase) {
    this.#database = database;
  }

  async note(userId: UserId, at: number): Promise<void> {
    await this.#database.write('INSERT INTO heard (user_id, at) VALUES (?, ?) USING TIMESTAMP ?', [
      userId,
      at,
      BigInt(at) * 1000n,
    ]);
  }

  /** Of an account that has ended. */
  async forget(userId: UserId): Promise<void> {
    await this.#database.write('DELETE FROM heard USING TIMESTAMP ? WHERE user_id = ?', [writtenForEver, userId]);
  }

  async at(userId: UserId): Promise<number> {
    const row = await this.#database.row<{ at: Date | null }>('SELECT at FROM heard WHERE user_id = ?', [userId]);
    return row?.at?.getTime() ?? 0;
  }
}
