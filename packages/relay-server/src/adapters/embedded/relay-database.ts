import { closeSync, existsSync, openSync, statSync } from 'node:fs';
import SqliteDatabase from 'better-sqlite3';
import { RelayError } from '../../relay-error.ts';
import { GroupCommit, type GroupCommitOptions, type WriteKind } from './group-commit.ts';
import { migrate } from './migrations.ts';
import { storeFailure } from './store-failure.ts';

/** A database up to this size, in bytes, is read through when it is opened; the damage in a larger one is met when its page is used. */
const checkedSize = 64 * 1024 * 1024;

/** Pages in the write-ahead log before they are moved into the database: fewer fsyncs than SQLite's 1000, and still 16 MiB at most. */
const checkpointPages = 4000;

/**
 * The relay's one SQLite file: reads at once, writes through one group commit.
 *
 * A read sees what is committed, never a transaction that is under way: those begin and end within one turn.
 */
export class RelayDatabase {
  readonly sql: SqliteDatabase.Database;
  readonly #writer: GroupCommit;
  readonly #committed: (() => void)[] = [];
  readonly #undone: (() => void)[] = [];

  /**
   * Opens or creates the file and brings its schema up to date.
   * @throws {RelayError} `store-corrupt`, `store-newer`, `store-unavailable`
   */
  constructor(path: string, options: Omit<GroupCommitOptions, 'onCommitted' | 'onUndone'>) {
    this.sql = openFile(path);
    const onCommitted = () => {
      for (const note of this.#committed) note();
    };
    const onUndone = () => {
      for (const forget of this.#undone) forget();
    };
    this.#writer = new GroupCommit(this.sql, { ...options, onCommitted, onUndone });
  }

  /** Runs one synchronous read. */
  async read<T>(work: () => T): Promise<T> {
    try {
      return work();
    } catch (error) {
      throw storeFailure(error);
    }
  }

  /** Runs one synchronous write in the next group; see {@link GroupCommit}. */
  write<T>(kind: WriteKind, work: () => T, onFailed?: () => void): Promise<T> {
    return this.#writer.write(kind, work, onFailed);
  }

  /** Has `note` called right after each commit, before any read that sees it; it may not throw. */
  whenCommitted(note: () => void): void {
    this.#committed.push(note);
  }

  /** Has `forget` called whenever a transaction was undone. */
  whenUndone(forget: () => void): void {
    this.#undone.push(forget);
  }

  /**
   * Moves all of the write-ahead log into the database and empties it: with `secure_delete`, no file holds deleted bytes afterwards.
   * @throws {RelayError} `store-unavailable` (retryable) while another process reads the file
   */
  async emptyLog(): Promise<void> {
    const [outcome] = await this.read(() => this.sql.pragma('wal_checkpoint(TRUNCATE)') as { busy: number }[]);
    if (outcome?.busy === 0) return;
    throw new RelayError(
      'store-unavailable',
      'another process reads the database, so deleted mail is still in its log: try again when it has ended',
      {
        retryable: true,
      },
    );
  }

  /** Carries out what was asked for, then closes the file. */
  close(): void {
    this.#writer.close();
    this.sql.close();
  }
}

function openFile(path: string): SqliteDatabase.Database {
  let database: SqliteDatabase.Database | undefined;
  try {
    if (sizeOf(path) === 0 && sizeOf(`${path}-wal`) > 0) {
      throw new RelayError(
        'store-corrupt',
        "the relay's database is gone, but its log is there: restore it from a backup, or move the log away to start empty",
      );
    }
    // Created here, so that nobody but the owner may read it; SQLite gives its log the same mode.
    closeSync(openSync(path, 'a', 0o600));
    database = new SqliteDatabase(path, { timeout: 2000 });
    database.pragma('journal_mode = WAL');
    database.pragma('synchronous = FULL');
    database.pragma('foreign_keys = ON');
    database.pragma('secure_delete = ON');
    // Temporary tables in files would hold mail that nobody overwrites.
    database.pragma('temp_store = MEMORY');
    database.pragma('cache_size = -65536');
    database.pragma(`wal_autocheckpoint = ${checkpointPages}`);
    if (statSync(path).size <= checkedSize) checkPages(database);
    migrate(database);
    return database;
  } catch (error) {
    database?.close();
    throw storeFailure(error);
  }
}

function checkPages(database: SqliteDatabase.Database): void {
  if (database.pragma('quick_check(1)', { simple: true }) === 'ok') return;
  throw new RelayError(
    'store-corrupt',
    "the relay's database is damaged: restore it from a backup, or move it away to start empty",
  );
}

function sizeOf(path: string): number {
  return existsSync(path) ? statSync(path).size : 0;
}
