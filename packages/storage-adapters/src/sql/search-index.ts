import type { SqlDriver, SqlStatement } from '../driver/sql-driver.ts';
import { integer } from './columns.ts';

const nextDocuments =
  'SELECT max(document) AS last, count(*) AS documents FROM (SELECT document FROM message WHERE document > ? ORDER BY document LIMIT ?)';

const add = (name: string) =>
  `INSERT INTO ${name} (rowid, text) SELECT document, text FROM message WHERE document > ? AND document <= ?`;

/** The full-text index over messages, which follows the history at a distance (see migration 4). */
export class SearchIndex {
  readonly #driver: SqlDriver;

  constructor(driver: SqlDriver) {
    this.#driver = driver;
  }

  /**
   * Indexes the next messages, in one commit; a crash before it ends leaves them for the next call. One call at a time.
   * @param limit how many at most
   * @param ownerEpoch of the owner who asks
   * @returns how many were indexed; fewer than `limit` when the index has caught up
   * @throws {SottoError} `store-fenced`, or what the driver throws
   */
  async advance(limit: number, ownerEpoch: number): Promise<number> {
    const [progress = {}] = await this.#driver.query('SELECT indexed FROM search_progress', []);
    const indexed = integer(progress, 'indexed');
    const [next = {}] = await this.#driver.query(nextDocuments, [indexed, limit]);
    const documents = integer(next, 'documents');
    if (documents === 0) return 0;
    const last = integer(next, 'last');
    const statements: readonly SqlStatement[] = [
      { sql: 'UPDATE owner SET epoch = epoch WHERE epoch = ?', params: [ownerEpoch], expectRows: 1 },
      {
        sql: 'UPDATE search_progress SET indexed = ? WHERE indexed = ?',
        params: [last, indexed],
        expectRows: 1,
      },
      { sql: add('message_words'), params: [indexed, last] },
      { sql: add('message_trigrams'), params: [indexed, last] },
    ];
    await this.#driver.commit(statements);
    return documents;
  }
}
