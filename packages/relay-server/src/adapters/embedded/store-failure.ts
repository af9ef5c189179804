import { RelayError } from '../../relay-error.ts';

/** Failures of the machine or of whoever else holds the file: they pass. */
const passing = [
  'SQLITE_FULL',
  'SQLITE_IOERR',
  'SQLITE_READONLY',
  'SQLITE_CANTOPEN',
  'SQLITE_BUSY',
  'SQLITE_LOCKED',
  'SQLITE_NOMEM',
  'SQLITE_PERM',
];
const damaged = ['SQLITE_CORRUPT', 'SQLITE_NOTADB'];
const passingFile = new Set([
  'ENOSPC',
  'EDQUOT',
  'EROFS',
  'EACCES',
  'EPERM',
  'EIO',
  'EMFILE',
  'ENFILE',
  'ENOTDIR',
  'EEXIST',
  'EBUSY',
]);

/**
 * What an error of SQLite or of the file system means to a caller.
 *
 * `store-corrupt` is for an operator to repair; `store-unavailable` (retryable) is a disk that is full, read-only or failing; all else is a bug: `internal`.
 */
export function storeFailure(error: unknown): RelayError {
  if (error instanceof RelayError) return error;
  const code = codeOf(error);
  if (damaged.some((prefix) => code.startsWith(prefix))) {
    return new RelayError(
      'store-corrupt',
      "the relay's database is damaged: restore it from a backup, or move it away to start empty",
      { cause: error },
    );
  }
  if (passing.some((prefix) => code.startsWith(prefix)) || passingFile.has(code)) {
    return new RelayError(
      'store-unavailable',
      "the relay can't use its disk: look for free space, write permission and the health of the disk, then try again",
      { retryable: true, cause: error },
    );
  }
  return new RelayError('internal', 'the store failed in a way that was not foreseen: see the cause', { cause: error });
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}
