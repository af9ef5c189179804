import { SottoError } from '@sotto/sdk/ports';
import Database from 'better-sqlite3';
import { sqliteFailure } from '../driver/sqlite-failure.ts';

/** Whether SQLite itself says so, by one of its codes: the class is another one in each build of it. */
export function isSqliteError(error: unknown): error is InstanceType<typeof Database.SqliteError> {
  return (
    error instanceof Database.SqliteError ||
    (error instanceof Error && error.name === 'SqliteError' && 'code' in error && typeof error.code === 'string')
  );
}

/** Whether the operating system says so: looking for the file failed before SQLite was asked. */
function isSystemError(error: unknown): error is Error & { readonly code: string } {
  return error instanceof Error && 'syscall' in error && 'code' in error && typeof error.code === 'string';
}

/** The typed error for what better-sqlite3 threw. */
export function nativeFailure(error: unknown): SottoError {
  if (error instanceof SottoError) return error;
  if (isSqliteError(error)) return sqliteFailure(error.code, error);
  if (isSystemError(error)) {
    return new SottoError(
      'store-unavailable',
      `The store's file or folder can not be used (${error.code}). See to its permissions and its disk, then try again.`,
      { retryable: true, cause: error },
    );
  }
  return new SottoError(
    'internal',
    'The SQLite binding refused a call. This is a defect: please report it with its cause.',
    {
      cause: error,
    },
  );
}
