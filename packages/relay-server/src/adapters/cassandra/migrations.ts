import { createHash, randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import cassandra from 'cassandra-driver';
import type { Clock } from '../../ports/clock.ts';
import { RelayError } from '../../relay-error.ts';
import { accountTables } from './account-tables.ts';
import { CassandraDatabase, type CassandraOptions, clientOf } from './cassandra-database.ts';
import { clusterTables } from './cluster-tables.ts';
import { connectFailure } from './connect-failure.ts';
import { groupTables } from './group-tables.ts';
import { pendingTables } from './pending-tables.ts';
import type { TableArea } from './table-area.ts';

const { types } = cassandra;

/** All tables there are. */
export const tableAreas: readonly TableArea[] = [accountTables, groupTables, pendingTables, clusterTables];

/** What making the tables needs to know besides the way to the cluster. */
export interface MigrationOptions {
  readonly clock: Clock;
  /** Replicas in the local data centre, or in each by its name, for a keyspace that is not there yet; 3 in the local one by default. */
  readonly replication?: number | ReadonlyMap<string, number>;
  /** {@link tableAreas} by default. */
  readonly areas?: readonly TableArea[];
  /** Is told what this node has made. */
  readonly onMade?: (made: SchemaPart) => void;
}

/** The keyspace, or a step of the tables of an area: the first is 1. */
export type SchemaPart =
  | { readonly kind: 'keyspace' }
  | { readonly kind: 'step'; readonly area: string; readonly version: number };

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
 * @throws {RelayError} `store-newer` when a later version of the relay has been here; `config-invalid` when Cassandra refuses this one; `store-unavailable`
 */
export async function migrate(options: CassandraOptions, migration: MigrationOptions): Promise<void> {
  const { areas = tableAreas, clock, replication = 3, onMade = () => undefined } = migration;
  const client = clientOf({ ...options, requestTimeoutMs: stepMs }, undefined);
  try {
    await client.connect();
    await makeLock(client, options, replication, onMade);
  } catch (error) {
    throw connectFailure(error, options.localDataCenter);
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
          await bringUp({ schema, database, lock, areas, onMade });
        } finally {
          await lock.leave();
        }
      } else await pause(pauseMs);
    }
  } catch (error) {
    throw connectFailure(error, options.localDataCenter);
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

/**
 * Whether a keyspace has all tables of this version.
 * @throws {RelayError} `store-newer` when it has those of a later one
 */
export async function isCurrent(
  database: CassandraDatabase,
  areas: readonly TableArea[] = tableAreas,
): Promise<boolean> {
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

interface BringUp extends Required<Pick<MigrationOptions, 'areas' | 'onMade'>> {
  readonly schema: cassandra.Client;
  readonly database: CassandraDatabase;
  readonly lock: SchemaLock;
}

/** Carries out what is missing, and notes each step while the lock is held. */
async function bringUp({ schema, database, lock, areas, onMade }: BringUp): Promise<void> {
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
      onMade({ kind: 'step', area: name, version: version + 1 });
    }
  }
}

/** Whether somebody has made the table of the lock, and the keyspace with it. */
export async function hasSchema(client: cassandra.Client, keyspace: string): Promise<boolean> {
  const there = await client.execute(
    'SELECT table_name FROM system_schema.tables WHERE keyspace_name = ? AND table_name = ?',
    [keyspace, 'schema_version'],
    { prepare: true, isIdempotent: true, consistency: types.consistencies.localOne },
  );
  return there.rowLength > 0;
}

/** How many replicas a keyspace has in which data centre. */
export async function keyspaceReplication(database: CassandraDatabase): Promise<ReadonlyMap<string, string>> {
  const row = await database.row<{ replication: ReadonlyMap<string, string> }>(
    'SELECT replication FROM system_schema.keyspaces WHERE keyspace_name = ?',
    [database.keyspace],
  );
  return new Map([...(row?.replication ?? [])].filter(([name]) => name !== 'class'));
}

/** Makes the keyspace and the table of the lock. */
async function makeLock(
  client: cassandra.Client,
  { keyspace, localDataCenter }: CassandraOptions,
  replication: number | ReadonlyMap<string, number>,
  onMade: (made: SchemaPart) => void,
): Promise<void> {
  if (await hasSchema(client, keyspace)) return;
  const name = quoted(keyspace);
  const isThere = await client.execute(
    'SELECT keyspace_name FROM system_schema.keyspaces WHERE keyspace_name = ?',
    [keyspace],
    { prepare: true, isIdempotent: true, consistency: types.consistencies.localOne },
  );
  if (isThere.rowLength === 0) {
    const replicas = [...(typeof replication === 'number' ? [[localDataCenter, replication] as const] : replication)];
    const places = replicas.map(([center, count]) => `'${center.replaceAll("'", "''")}': ${count}`).join(', ');
    await client.execute(
      `CREATE KEYSPACE IF NOT EXISTS ${name} WITH replication = {'class': 'NetworkTopologyStrategy', ${places}}`,
      [],
      { prepare: false },
    );
    onMade({ kind: 'keyspace' });
  }
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
