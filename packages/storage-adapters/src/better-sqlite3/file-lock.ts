import Database from 'better-sqlite3';
import { isSqliteError } from './native-failure.ts';

/**
 * A lock that the operating system lets go of when the process ends, however it ends.
 *
 * SQLite's exclusive lock on an empty file of its own: it also tells two openings in one process apart, and leaves the real database
 * readable to others. The file stays: removing it would let two owners lock two files of one name.
 */
export class FileLock {
  readonly #database: Database.Database;

  private constructor(database: Database.Database) {
    this.#database = database;
  }

  /** Takes the lock at once; `undefined` when somebody else has it. */
  static take(path: string): FileLock | undefined {
    const database = new Database(path, { timeout: 0 });
    try {
      database.exec('BEGIN EXCLUSIVE');
      return new FileLock(database);
    } catch (error) {
      database.close();
      if (isSqliteError(error) && error.code.startsWith('SQLITE_BUSY')) return undefined;
      throw error;
    }
  }

  /** Lets go. */
  release(): void {
    this.#database.close();
  }
}
