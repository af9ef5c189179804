import { RelayError } from '../../relay-error.ts';
import { CassandraDatabase, type CassandraOptions, clientOf } from './cassandra-database.ts';
import { connectFailure } from './connect-failure.ts';
import { hasSchema, isCurrent } from './migrations.ts';

/**
 * Connects to a keyspace that has the tables of just this version.
 * @throws {RelayError} `config-invalid` when it has not got them yet, or Cassandra refuses this relay; `store-newer` when a later version was here; `store-unavailable`
 */
export async function openMigrated(options: CassandraOptions): Promise<CassandraDatabase> {
  await checkKeyspace(options);
  const database = await CassandraDatabase.open(options);
  try {
    if (await isCurrent(database)) return database;
    throw behind(options.keyspace);
  } catch (error) {
    await database.close();
    throw error;
  }
}

/** A session with a keyspace that is not there fails in a way that can't be told from other failures. */
async function checkKeyspace(options: CassandraOptions): Promise<void> {
  const client = clientOf(options, undefined);
  try {
    await client.connect();
    if (!(await hasSchema(client, options.keyspace))) throw behind(options.keyspace);
  } catch (error) {
    throw connectFailure(error, options.localDataCenter);
  } finally {
    await client.shutdown().catch(() => undefined);
  }
}

function behind(keyspace: string): RelayError {
  return new RelayError(
    'config-invalid',
    `Cassandra's keyspace ${keyspace} has not got all tables of this version: run \`sotto-relay migrate\` with it first.`,
  );
}
