import { SottoError } from '@sotto/sdk/ports';
import type { SqlDriver, SqlStatement } from '../driver/sql-driver.ts';
import { integer } from './columns.ts';
import type { Migration } from './migrations/migration.ts';

const createVersion: readonly SqlStatement[] = [
  {
    sql: 'CREATE TABLE schema_version (id INTEGER PRIMARY KEY CHECK (id = 1), version INTEGER NOT NULL) STRICT',
    params: [],
  },
  { sql: 'INSERT INTO schema_version (id, version) VALUES (1, 0)', params: [], expectRows: 1 },
];

async function readVersion(driver: SqlDriver): Promise<number> {
  const tables = (await driver.query('SELECT name FROM sqlite_schema', [])).map((row) => row.name);
  if (tables.length === 0) return 0;
  const [row] = tables.includes('schema_version') ? await driver.query('SELECT version FROM schema_version', []) : [];
  if (row !== undefined) return integer(row, 'version');
  throw new SottoError(
    'store-corrupt',
    'This database was not made by Sotto, or its version is lost. It was left as it is; choose another path for the store.',
  );
}

/**
 * Brings the schema up to the latest step, in one commit; a new database starts empty.
 * @throws {SottoError} `store-newer`, `store-corrupt`, or what the driver throws: the database is as it was
 */
export async function migrate(driver: SqlDriver, steps: readonly Migration[]): Promise<void> {
  const from = await readVersion(driver);
  const latest = steps.at(-1)?.version ?? 0;
  if (from > latest) {
    throw new SottoError(
      'store-newer',
      `This store was made by a later version of Sotto (schema ${from}, known up to ${latest}). Update, then open it again.`,
    );
  }
  if (from === latest) return;
  const pending = steps.filter((step) => step.version > from).flatMap((step) => step.statements);
  await driver.commit([
    ...(from === 0 ? createVersion : []),
    { sql: 'UPDATE schema_version SET version = ? WHERE version = ?', params: [latest, from], expectRows: 1 },
    ...pending.map((sql) => ({ sql, params: [] })),
  ]);
}
