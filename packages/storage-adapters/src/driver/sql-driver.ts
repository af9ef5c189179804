/** What a column holds. Integers are safe ones (up to 2^53 - 1); a blob is a `Uint8Array` with memory of its own. */
export type SqlValue = null | number | string | Uint8Array;

/** One row, by column name. */
export type SqlRow = Readonly<Record<string, SqlValue>>;

/** One statement with its values, in the order of its question marks. */
export interface SqlStatement {
  /** One of a limited set of texts, so that drivers can keep it prepared: values never stand inside. Returns no rows. */
  readonly sql: string;
  readonly params: readonly SqlValue[];
  /** How many rows it must change. Another number undoes the whole commit. */
  readonly expectRows?: number;
}

/**
 * One open SQLite database, wherever it runs.
 *
 * There are no interactive transactions and only plain data goes across, so that a driver can live in a Worker. Calls take effect in
 * the order in which they are made. A query sees every commit that resolved before it.
 * @throws {SottoError} from every method: `store-closed`; `store-corrupt`; `store-unavailable` (retryable: disk full, read-only,
 * input/output error, busy); `argument-invalid` when a value breaks a constraint of the schema
 */
export interface SqlDriver {
  /** Runs one reading statement. */
  query(sql: string, params: readonly SqlValue[]): Promise<readonly SqlRow[]>;
  /**
   * Runs the statements in their order in one transaction, all or none, durable when it resolves.
   * @throws {SottoError} `store-fenced` when a statement changed another number of rows than it expects: nothing was written
   */
  commit(statements: readonly SqlStatement[]): Promise<void>;
  /** Lets go of everything: files, handles, the lock. Idempotent. */
  close(): Promise<void>;
}

/** Opens one database. */
export interface SqlDriverOpener {
  /**
   * Takes the lock of the database and opens it, or makes a new one. A damaged file is left as it is.
   * @throws {SottoError} `store-locked`, `store-corrupt`, `store-unavailable`
   */
  open(): Promise<SqlDriver>;
}
