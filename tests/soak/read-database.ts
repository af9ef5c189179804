import Database from 'better-sqlite3';

/** Reads a database beside its owner. */
export function readDatabase<Value>(path: string, read: (database: Database.Database) => Value): Value {
  const database = new Database(path, { readonly: true, timeout: 5_000 });
  try {
    return read(database);
  } finally {
    database.close();
  }
}

/** As `readDatabase`, while disks are full and processes are killed: `otherwise` when the database can't be opened just now. */
export function readAmidFaults<Value>(
  path: string,
  read: (database: Database.Database) => Value,
  otherwise: Value,
): Value {
  try {
    return readDatabase(path, read);
  } catch (error) {
    if (error instanceof Database.SqliteError && error.code === 'SQLITE_CANTOPEN') return otherwise;
    throw error;
  }
}
