import { createHash, randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import cassandra from 'cassandra-driver';
import type { Clock } from '../../ports/clock.ts';
import { RelayError } from '../../relay-error.ts';
import { accountTables } from './account-tables.ts';
import { CassandraDatabase, type CassandraOptions, clientOf } from './cassandra-database.ts';
import { storeFailure } from './cassandra-failure.ts';
import { groupTables } from './group-tables.ts';
import type { TableArea } from './table-area.ts';

const { types } = cassandra;

/** All tables there are. */
export const tableAreas: readonly TableArea[] = [accountTables, groupTables];

/** What making the tables needs to know besides the way to the cluster. */
export interface MigrationOptions {
  readonly clock: Clock;
  /** Replicas in the local data centre, for a keyspace that is not there yet; 3 by default. */
  readonly replication?: number;
  /** {@link tableAreas} by default. */
  readonly areas?: readonly TableArea[];
}

/** A node that was to migrate is taken for dead after this time, in milliseconds. */
const lockMs = 120_000;
/** How long one step may take, in milliseconds: a busy cluster is slow with its schema. */
const stepMs = 60_000;
const pauseMs = 200;

/**
 * Makes keyspace and tables, or brings them up to date.
 *
 * Several nodes may do so at once: Cassandra loses its way when two of them create one table at the same time (each gives it another id), so one has the lock of `schema_version` (an owner and an expiry, taken by a condition), and the others wait.
 * The table of the lock has an id of its own making, the same whoever makes it. A node that dies in between leaves steps that are carried out again, harmlessly, when its lock has expired. The driver waits for all nodes to agree after each step.
 * @throws {RelayError} `store-newer` when a later version of the relay has been here; `store-unavailable`
 */
export async function migrate(options: CassandraOptions, migration: MigrationOptions): Promise<void> {
  const { areas = tableAreas, clock, replication = 3 } = migration;
  const client = clientOf({ ...options, requestTimeoutMs: stepMs }, undefined);
  try {
    await client.connect();
    await makeLock(client, options, replication);
  } catch (error) {
    throw storeFailure(error);
  } finally {
    await client.shutdown();
  }
  const database = await CassandraDatabase.open(options);
  const schema = clientOf({ ...options, requestTimeoutMs: stepMs }, options.keyspace);
  try {
    const lock = new SchemaLock(database, clock);
    while (!(await isCurrent(database, areas))) {
      if (await lock.take()) {
        try {
          await bringUp(schema, database, lock, areas);
        } finally {
          await lock.leave();
        }
      } else await pause(pauseMs);
    }
  } catch (error) {
    throw storeFailure(error);
  } finally {
    await schema.shutdown();
    await database.close();
  }
}

/** The lock that lets one node change the schema. */
class SchemaLock {
  readonly owner = randomUUID();
  readonly #database: CassandraDatabase;
  readonly #clock: Clock;

  constructor(database: CassandraDatabase, clock: Clock) {
    this.#database = database;
    this.#clock = clock;
  }

  /** Whether this node has it now. A lock whose owner is late is taken over. */
  async take(): Promise<boolean> {
    const now = this.#clock.now();
    const holder = await this.#holder();
    const values = [this.owner, now + lockMs, scope];
    const taken =
      holder === undefined
        ? await this.#database.conditional(`${takeLock} IF owner = null`, values)
        : holder.expiresAt < now
          ? await this.#database.conditional(`${takeLock} IF owner = ?`, [...values, holder.owner])
          : undefined;
    if (taken?.status === 'unknown') return (await this.#holder())?.owner === this.owner;
    return taken?.status === 'applied';
  }

  /** Values for `SET expires_at = ? WHERE scope = ? IF owner = ?`. */
  extension(): readonly [number, string, string] {
    return [this.#clock.now() + lockMs, scope, this.owner];
  }

  async leave(): Promise<void> {
    await this.#database.conditional(
      'UPDATE schema_version SET owner = null, expires_at = null WHERE scope = ? IF owner = ?',
      [scope, this.owner],
    );
  }

  async #holder(): Promise<{ owner: string; expiresAt: number } | undefined> {
    const row = await this.#database.row<{ owner: unknown; expires_at: Date | null }>(
      'SELECT owner, expires_at FROM schema_version WHERE scope = ? LIMIT 1',
      [scope],
      'serial',
    );
    if (row === undefined || row.owner === null) return undefined;
    return { owner: String(row.owner), expiresAt: row.expires_at?.getTime() ?? 0 };
  }
}

const scope = 'relay';
const takeLock = 'UPDATE schema_version SET owner = ?, expires_at = ? WHERE scope = ?';

/** @throws {RelayError} `store-newer` */
async function isCurrent(database: CassandraDatabase, areas: readonly TableArea[]): Promise<boolean> {
  const versions = await versionsOf(database);
  for (const { name, steps } of areas) {
    if ((versions.get(name) ?? 0) <= steps.length) continue;
    throw new RelayError(
      'store-newer',
      'a newer relay has changed the tables in Cassandra: run that version or a later one',
    );
  }
  return areas.every(({ name, steps }) => versions.get(name) === steps.length);
}

async function versionsOf(database: CassandraDatabase): Promise<ReadonlyMap<string, number>> {
  const rows = await database.rows<{ area: string | null; version: number }>(
    'SELECT area, version FROM schema_version WHERE scope = ?',
    [scope],
    'serial',
  );
  return new Map(rows.flatMap(({ area, version }) => (area === null ? [] : [[area, version] as const])));
}

/** Carries out what is missing, and notes each step while the lock is held. */
async function bringUp(
  schema: cassandra.Client,
  database: CassandraDatabase,
  lock: SchemaLock,
  areas: readonly TableArea[],
): Promise<void> {
  const versions = await versionsOf(database);
  for (const { name, steps } of areas) {
    for (let version = versions.get(name) ?? 0; version < steps.length; version++) {
      await schema.execute(steps[version] ?? '', [], { prepare: false, isIdempotent: false });
      const noted = await database.conditionalTogether([
        {
          cql: 'UPDATE schema_version SET version = ? WHERE scope = ? AND area = ?',
          values: [version + 1, scope, name],
        },
        { cql: 'UPDATE schema_version SET expires_at = ? WHERE scope = ? IF owner = ?', values: lock.extension() },
      ]);
      // Another node took over, or nobody knows: look again what there is.
      if (noted.status !== 'applied') return;
    }
  }
}

/** Makes the keyspace and the table of the lock. */
async function makeLock(client: cassandra.Client, options: CassandraOptions, replication: number): Promise<void> {
  const { keyspace, localDataCenter } = options;
  const name = quoted(keyspace);
  const replicas = `{'class': 'NetworkTopologyStrategy', '${localDataCenter.replaceAll("'", "''")}': ${replication}}`;
  const there = await client.execute(
    'SELECT table_name FROM system_schema.tables WHERE keyspace_name = ? AND table_name = ?',
    [keyspace, 'schema_version'],
    { prepare: true, isIdempotent: true, consistency: types.consistencies.localOne },
  );
  if (there.rowLength > 0) return;
  await client.execute(`CREATE KEYSPACE IF NOT EXISTS ${name} WITH replication = ${replicas}`, [], { prepare: false });
  await client.execute(
    `CREATE TABLE IF NOT EXISTS ${name}.schema_version (
      scope text, area text, version int, owner uuid static, expires_at timestamp static,
      PRIMARY KEY (scope, area)
    ) WITH id = ${tableId(keyspace)}`,
    [],
    { prepare: false },
  );
}

/** The same for a keyspace whoever asks, so that two nodes that make the table at once make one. */
function tableId(keyspace: string): string {
  const digest = createHash('sha256').update(`sotto schema_version v1 ${keyspace}`).digest().subarray(0, 16);
  digest.writeUInt8(((digest[6] ?? 0) & 0x0f) | 0x40, 6);
  digest.writeUInt8(((digest[8] ?? 0) & 0x3f) | 0x80, 8);
  return digest.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
