export { sqlStore } from '../sql/sql-store.ts';
export type { SqlDriver, SqlDriverOpener, SqlRow, SqlStatement, SqlValue } from './sql-driver.ts';
export { sqliteFailure } from './sqlite-failure.ts';
