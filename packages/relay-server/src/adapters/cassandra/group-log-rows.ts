import { RelayError } from '../../relay-error.ts';
import type { CassandraDatabase, CqlRow } from './cassandra-database.ts';
import type { GroupLogHead } from './group-rows.ts';

interface RecordRow extends CqlRow {
  readonly revision: number;
  readonly record: Buffer;
}

/** Records of one partition. */
const bucketSize = 256;
/** How many are read at once: they may be large, and few may be wanted. */
const recordsAtOnce = 32;

/**
 * The records of logs but the last one of each, which stands with the group.
 *
 * Who appends first copies the last record here (the same one, whoever does it and however often), then puts the next one in its place. So nothing is here that the group does not know of, and nothing is missing.
 * Written with timestamp 1 and deleted with timestamp 2: a copy that comes late brings back nothing.
 */
export class GroupLogRows {
  readonly #database: CassandraDatabase;

  constructor(database: CassandraDatabase) {
    this.#database = database;
  }

  async put(logId: string, revision: number, record: Uint8Array): Promise<void> {
    await this.#database.write(
      'INSERT INTO group_log (log_id, bucket, revision, record) VALUES (?, ?, ?, ?) USING TIMESTAMP 1',
      [logId, bucketOf(revision), revision, record],
    );
  }

  async get(logId: string, revision: number): Promise<Uint8Array | undefined> {
    const cql = 'SELECT revision, record FROM group_log WHERE log_id = ? AND bucket = ? AND revision = ?';
    return (await this.#database.row<RecordRow>(cql, [logId, bucketOf(revision), revision]))?.record;
  }

  /**
   * The records after a revision up to another one, that of the group included.
   * @throws {RelayError} `store-corrupt` when one is missing, as also when the log was deleted meanwhile
   */
  async *between(
    { logId, revision: newest }: GroupLogHead,
    record: Uint8Array | undefined,
    after: number,
    last: number,
  ): AsyncGenerator<Uint8Array> {
    const cql =
      'SELECT revision, record FROM group_log WHERE log_id = ? AND bucket = ? AND revision >= ? AND revision <= ? LIMIT ?';
    let next = after + 1;
    while (next <= Math.min(last, newest - 1)) {
      const end = Math.min(last, newest - 1, next + recordsAtOnce - 1);
      const rows = await this.#database.rows<RecordRow>(cql, [logId, bucketOf(next), next, end, recordsAtOnce]);
      if (rows.length === 0) throw missing();
      for (const row of rows) {
        if (row.revision !== next) throw missing();
        next++;
        yield row.record;
      }
    }
    if (next !== newest || last < newest) return;
    if (record === undefined) throw missing();
    yield record;
  }

  /** Deletes a log, up to its last revision; idempotent. */
  async remove(logId: string, revision: number): Promise<void> {
    for (let bucket = 0; bucket <= bucketOf(revision); bucket++) {
      const cql = 'DELETE FROM group_log USING TIMESTAMP 2 WHERE log_id = ? AND bucket = ?';
      await this.#database.write(cql, [logId, bucket]);
    }
  }
}

function bucketOf(revision: number): number {
  return Math.floor(revision / bucketSize);
}

function missing(): RelayError {
  return new RelayError('store-corrupt', 'a record of a group is missing: restore the table group_log from a backup');
}
