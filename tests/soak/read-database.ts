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
