import type { ConnectionOptions } from 'node:tls';
import cassandra from 'cassandra-driver';
import { storeFailure, unavailable, wasNotSent } from './cassandra-failure.ts';
import { mendControlConnection } from './control-connection.ts';

const { types, policies } = cassandra;

/** Is told of a statement before it is sent, and again when it was carried out; what it throws fails the statement there, and it is waited for. */
export type StatementTrace = (phase: 'before' | 'after', cql: string) => void | Promise<void>;

/** How a relay reaches its cluster. */
export interface CassandraOptions {
  /** Host names or addresses of a few nodes, without a port. */
  readonly contactPoints: readonly string[];
  /** 9042 by default. */
  readonly port?: number;
  /** All reads and writes need a quorum of this data centre's replicas, and of no other's. */
  readonly localDataCenter: string;
  readonly keyspace: string;
  readonly credentials?: { readonly username: string; readonly password: string };
  /** With which TLS is spoken; plain TCP when left out. Certificates have to name the addresses that nodes tell each other, unless it says that they need not be trusted. */
  readonly tls?: ConnectionOptions;
  /** After which a request that had no answer has failed, in milliseconds; 12,000 by default. */
  readonly requestTimeoutMs?: number;
  /** For tests that stop an adapter between its steps. */
  readonly traceStatement?: StatementTrace;
}

/** A value for a `?`: a time is milliseconds since the Unix epoch, a UUID its 36 characters, a counter or version a number. `undefined` is null. */
export type CqlValue =
  | string
  | number
  | bigint
  | boolean
  | Uint8Array
  | undefined
  | null
  | readonly CqlValue[]
  | ReadonlyMap<number | string, CqlValue>
  | { readonly [field: string]: CqlValue };

/** One statement with its values. */
export interface CqlStatement {
  readonly cql: string;
  readonly values: readonly CqlValue[];
}

/**
 * What became of a conditional write: `row` has the columns of the condition as they were, `undefined` when there was no row.
 *
 * `unknown`: it timed out or its connection broke, so that it may have been applied. Whoever gets this reads at SERIAL, which settles it, and never assumes either.
 */
export type Conditional<Row> =
  | { readonly status: 'applied' }
  | { readonly status: 'refused'; readonly row: Row | undefined }
  | { readonly status: 'unknown'; readonly cause: unknown };

/** Between two attempts to reach a node that can't be reached, in milliseconds. */
const longestReconnectMs = 5_000;

/** A time of writing in microseconds, of the year 2255: for keys that are never used again, so that a deletion holds whatever clock they were written by. */
export const writtenForEver = 9_000_000_000_000_000n;

/** A row as the driver gives it: names in snake_case, blobs as Buffers, timestamps as Dates, UUIDs as `types.Uuid`, bigints as bigints, null for what is not there. */
export type CqlRow = { readonly [column: string]: unknown };

/**
 * A session with a Cassandra cluster: every statement is prepared, with LOCAL_QUORUM for reads and writes and LOCAL_SERIAL for conditions.
 *
 * It retries nothing but what the driver may: a statement that was certainly not sent, or one that is idempotent, on the next node. Conditional writes are never sent twice.
 * A row is written either with conditions or without, never both: their timestamps come from different clocks.
 * All methods throw {@link RelayError} `store-unavailable` (retryable) when the cluster can't answer.
 */
export class CassandraDatabase {
  readonly keyspace: string;
  readonly #client: cassandra.Client;
  readonly #trace: StatementTrace;
  /** Conditional writes must reach the server once. */
  readonly #once = new policies.retry.FallthroughRetryPolicy();

  private constructor(
    client: cassandra.Client,
    { keyspace, traceStatement }: Pick<CassandraOptions, 'keyspace' | 'traceStatement'>,
  ) {
    this.keyspace = keyspace;
    this.#client = client;
    this.#trace = traceStatement ?? (() => undefined);
  }

  /**
   * Connects. The keyspace must be there: {@link migrate} makes it.
   * @throws {RelayError} `store-unavailable`
   */
  static async open(options: CassandraOptions): Promise<CassandraDatabase> {
    const client = clientOf(options, options.keyspace);
    try {
      await client.connect();
    } catch (error) {
      await client.shutdown().catch(() => undefined);
      throw unavailable(error);
    }
    return new CassandraDatabase(client, options);
  }

  /** The same session, with another listener: closing one closes both. */
  traced(traceStatement: StatementTrace): CassandraDatabase {
    return new CassandraDatabase(this.#client, { keyspace: this.keyspace, traceStatement });
  }

  /** All rows of a SELECT, page by page inside. `serial` also settles what conditional writes are under way in these partitions: at most one partition then. */
  async rows<Row extends CqlRow>(
    cql: string,
    values: readonly CqlValue[] = [],
    consistency: 'quorum' | 'serial' = 'quorum',
  ): Promise<Row[]> {
    const found: Row[] = [];
    let pageState: string | undefined;
    do {
      const result = await this.#run(cql, () =>
        this.#client.execute(cql, values.map(encoded), {
          prepare: true,
          isIdempotent: true,
          consistency: consistency === 'serial' ? types.consistencies.localSerial : types.consistencies.localQuorum,
          fetchSize: 1000,
          ...(pageState !== undefined && { pageState }),
        }),
      );
      for (const row of result.rows) found.push(row as unknown as Row);
      pageState = result.pageState ?? undefined;
    } while (pageState !== undefined);
    return found;
  }

  /** The first row of a SELECT that gives one at most. */
  async row<Row extends CqlRow>(
    cql: string,
    values: readonly CqlValue[] = [],
    consistency: 'quorum' | 'serial' = 'quorum',
  ): Promise<Row | undefined> {
    return (await this.rows<Row>(cql, values, consistency))[0];
  }

  /** Carries out one INSERT, UPDATE or DELETE without a condition, which may be sent twice. */
  async write(cql: string, values: readonly CqlValue[]): Promise<void> {
    await this.#run(cql, () =>
      this.#client.execute(cql, values.map(encoded), {
        prepare: true,
        isIdempotent: true,
        consistency: types.consistencies.localQuorum,
      }),
    );
  }

  /** Carries out writes of ONE partition of one table at once, without a condition. Atomic and isolated there; writes of several partitions are sent one by one instead. */
  async writeTogether(statements: readonly CqlStatement[]): Promise<void> {
    const [first] = statements;
    if (first === undefined) return;
    await this.#run(first.cql, () => this.#client.batch(queriesOf(statements), batchOptions(true)));
  }

  /** Carries out one write with a condition. */
  conditional<Row extends CqlRow = CqlRow>(cql: string, values: readonly CqlValue[]): Promise<Conditional<Row>> {
    return this.#decide(cql, () =>
      this.#client.execute(cql, values.map(encoded), {
        prepare: true,
        isIdempotent: false,
        retry: this.#once,
        consistency: types.consistencies.localQuorum,
        serialConsistency: types.consistencies.localSerial,
      }),
    );
  }

  /** Carries out writes of ONE partition of one table, all or none of them, if every condition holds. */
  conditionalTogether<Row extends CqlRow = CqlRow>(statements: readonly CqlStatement[]): Promise<Conditional<Row>> {
    const [first] = statements;
    if (first === undefined) return Promise.resolve({ status: 'applied' });
    return this.#decide(first.cql, () =>
      this.#client.batch(queriesOf(statements), { ...batchOptions(false), retry: this.#once }),
    );
  }

  /** Lets go of all connections; idempotent. */
  async close(): Promise<void> {
    await this.#client.shutdown();
  }

  async #decide<Row extends CqlRow>(
    cql: string,
    send: () => Promise<cassandra.types.ResultSet>,
  ): Promise<Conditional<Row>> {
    await this.#trace('before', cql);
    let result: cassandra.types.ResultSet;
    try {
      result = await send();
      await this.#trace('after', cql);
    } catch (error) {
      if (wasNotSent(error)) throw storeFailure(error);
      return { status: 'unknown', cause: error };
    }
    if (result.wasApplied()) return { status: 'applied' };
    const row = result.first() as unknown as Row | null;
    // Besides `[applied]` there is nothing when the row is not there.
    return { status: 'refused', row: row === null || Object.keys(row).length < 2 ? undefined : row };
  }

  async #run<T>(cql: string, send: () => Promise<T>): Promise<T> {
    await this.#trace('before', cql);
    try {
      const result = await send();
      await this.#trace('after', cql);
      return result;
    } catch (error) {
      throw storeFailure(error);
    }
  }
}

/** A client that is not connected yet; without a keyspace for making one. */
export function clientOf(options: CassandraOptions, keyspace: string | undefined): cassandra.Client {
  const { contactPoints, port = 9042, localDataCenter, credentials, tls, requestTimeoutMs = 12_000 } = options;
  const client = new cassandra.Client({
    contactPoints: [...contactPoints],
    localDataCenter,
    // The driver would wait for up to ten minutes between its attempts.
    policies: { reconnection: new policies.reconnection.ExponentialReconnectionPolicy(500, longestReconnectMs, false) },
    ...(keyspace !== undefined && { keyspace }),
    ...(credentials !== undefined && { credentials: { ...credentials } }),
    // The driver would take any certificate.
    ...(tls !== undefined && { sslOptions: { rejectUnauthorized: true, ...tls } }),
    protocolOptions: { port },
    socketOptions: { readTimeout: requestTimeoutMs },
    queryOptions: { prepare: true, isIdempotent: false, consistency: types.consistencies.localQuorum },
    encoding: { map: Map, set: Set, useBigIntAsLong: true },
  });
  // A node that the driver lists anew after its connections broke takes the place of the one before, whose connections and timers the driver leaves behind.
  client.on('hostRemove', (host: cassandra.Host & { shutdown(drains: boolean): Promise<void> }) => {
    // What it could not close is closed already.
    host.shutdown(false).catch(() => undefined);
  });
  mendControlConnection(client);
  return client;
}

function queriesOf(statements: readonly CqlStatement[]): { query: string; params: unknown[] }[] {
  return statements.map(({ cql, values }) => ({ query: cql, params: values.map(encoded) }));
}

function batchOptions(isIdempotent: boolean): cassandra.QueryOptions {
  return {
    prepare: true,
    // Of one partition: the batch log would add nothing.
    logged: false,
    isIdempotent,
    consistency: types.consistencies.localQuorum,
    serialConsistency: types.consistencies.localSerial,
  };
}

/** The driver takes Buffers alone for blobs, and tells bigints from numbers by their column. */
function encoded(value: CqlValue): unknown {
  if (value === undefined || value === null) return null;
  if (Buffer.isBuffer(value)) return value;
  if (value instanceof Uint8Array) return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  if (Array.isArray(value)) return value.map(encoded);
  if (value instanceof Map) return new Map([...value].map(([key, each]) => [key, encoded(each)]));
  if (typeof value === 'object') {
    return Object.fromEntries(Object.entries(value).map(([field, each]) => [field, encoded(each)]));
  }
  return value;
}
