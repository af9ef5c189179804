import { SottoError } from '@sotto/sdk/ports';
import Database from 'better-sqlite3';
import { sqliteFailure } from '../driver/sqlite-failure.ts';

/** Whether SQLite itself says so, by one of its codes. */
export function isSqliteError(error: unknown): error is InstanceType<typeof Database.SqliteError> {
  return error instanceof Database.SqliteError;
}

/** The typed error for what better-sqlite3 threw. */
export function nativeFailure(error: unknown): SottoError {
  if (error instanceof SottoError) return error;
  if (isSqliteError(error)) return sqliteFailure(error.code, error);
  return new SottoError(
    'internal',
    'The SQLite binding refused a call. This is a defect: please report it with its cause.',
    {
      cause: error,
    },
  );
}
