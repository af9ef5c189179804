import { SottoError } from '@sotto/sdk/ports';

type Failure = readonly [
  code: 'store-unavailable' | 'store-corrupt' | 'argument-invalid' | 'internal',
  message: string,
];

const readOnly: Failure = [
  'store-unavailable',
  "The store's file or folder can't be written. Nothing was written; allow writing (file, folder, mount) and try again.",
];
const busy: Failure = [
  'store-unavailable',
  'Another program is using the database of this store. Nothing was written; let it finish and try again.',
];
const corrupt: Failure = [
  'store-corrupt',
  'The database of this store is damaged, and was left as it is. Put it aside and restore a backup, or register again.',
];
const constraint: Failure = [
  'argument-invalid',
  'A record breaks a rule of the store. Nothing was stored; mend the record.',
];

/** By SQLite's primary result codes (sqlite.org/rescode.html). */
const failures: Readonly<Record<string, Failure>> = {
  SQLITE_BUSY: busy,
  SQLITE_LOCKED: busy,
  SQLITE_PROTOCOL: busy,
  SQLITE_FULL: ['store-unavailable', 'The disk is full. Nothing was written; make room and try again.'],
  SQLITE_IOERR: [
    'store-unavailable',
    "The store's file can't be read or written (input/output error). Nothing was written; check the disk and try again.",
  ],
  SQLITE_CANTOPEN: [
    'store-unavailable',
    "The store's file can't be opened. Check that its folder exists and may be read and written, then try again.",
  ],
  SQLITE_READONLY: readOnly,
  SQLITE_PERM: readOnly,
  SQLITE_NOMEM: ['store-unavailable', 'There is not enough memory. Nothing was written; try again.'],
  SQLITE_CORRUPT: corrupt,
  SQLITE_NOTADB: corrupt,
  SQLITE_FORMAT: corrupt,
  SQLITE_CONSTRAINT: constraint,
  SQLITE_MISMATCH: constraint,
  SQLITE_TOOBIG: constraint,
  SQLITE_RANGE: constraint,
};

/** The typed error for one of SQLite's. @param code a result code by name, primary or extended: `SQLITE_IOERR_FSYNC` */
export function sqliteFailure(code: string, cause: unknown): SottoError {
  const primary = code.split('_', 2).join('_');
  const [known, message] = failures[primary] ?? [
    'internal',
    `SQLite refused a statement (${code}). This is a defect: please report it with its cause.`,
  ];
  return new SottoError(known, message, { cause, retryable: known === 'store-unavailable' });
}
