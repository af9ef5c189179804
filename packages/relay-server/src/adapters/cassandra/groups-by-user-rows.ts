import type { GroupId, UserId } from '../../ports/ids.ts';
import { allDone } from './all-done.ts';
import type { CassandraDatabase, CqlRow } from './cassandra-database.ts';

interface GroupIdRow extends CqlRow {
  readonly group_id: Buffer;
}

/** How many are written at once. */
const writesAtOnce = 64;

/**
 * The groups in which a user may have a row: written before the row, and deleted when the account has ended, never in between.
 *
 * So where a user has a row is here, and some here are nothing (an append that failed, a group that was left): the group tells.
 */
export class GroupsByUserRows {
  readonly #database: CassandraDatabase;

  constructor(database: CassandraDatabase) {
    this.#database = database;
  }

  async note(userIds: readonly UserId[], groupId: GroupId): Promise<void> {
    const cql = 'INSERT INTO groups_by_user (user_id, group_id) VALUES (?, ?) USING TIMESTAMP 1';
    for (let at = 0; at < userIds.length; at += writesAtOnce) {
      const some = userIds.slice(at, at + writesAtOnce);
      await allDone(some.map((userId) => this.#database.write(cql, [userId, groupId])));
    }
  }

  /** In the order of their ids, at most `limit` of those after `after`. */
  async of(userId: UserId, after: Uint8Array, limit: number): Promise<GroupId[]> {
    const cql = 'SELECT group_id FROM groups_by_user WHERE user_id = ? AND group_id > ? LIMIT ?';
    const rows = await this.#database.rows<GroupIdRow>(cql, [userId, after, limit]);
    return rows.map(({ group_id }) => new Uint8Array(group_id) as GroupId);
  }

  /** For an account that has ended: whatever is written for it afterwards counts for nothing. */
  async forget(userId: UserId): Promise<void> {
    await this.#database.write('DELETE FROM groups_by_user USING TIMESTAMP 2 WHERE user_id = ?', [userId]);
  }
}
