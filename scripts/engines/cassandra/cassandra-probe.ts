import { randomBytes } from 'node:crypto';
import { auth, Client, policies, types } from 'cassandra-driver';
import type { EngineMember } from '../engine-shape.ts';
import { localDataCenter } from './cassandra-config.ts';

/** One query to one node. */
export async function askCassandra(node: EngineMember): Promise<string> {
  await using client = await connected([node]);
  const { rows } = await client.cassandra.execute('SELECT release_version FROM system.local');
  return `Cassandra ${rows[0]?.release_version}`;
}

/**
 * A keyspace with as many replicas as there are nodes is made, written to and read from by LOCAL_QUORUM, a condition in it decided by
 * LOCAL_SERIAL, and dropped.
 */
export async function tryCassandra(nodes: readonly EngineMember[]): Promise<string> {
  await using client = await connected(nodes);
  const { cassandra } = client;
  const keyspace = `engines_probe_${randomBytes(8).toString('hex')}`;
  const replication = `{'class': 'NetworkTopologyStrategy', '${localDataCenter}': ${nodes.length}}`;
  await cassandra.execute(`CREATE KEYSPACE ${keyspace} WITH replication = ${replication}`);
  try {
    await cassandra.execute(`CREATE TABLE ${keyspace}.probe (id int PRIMARY KEY, value text)`);
    const options = {
      consistency: types.consistencies.localQuorum,
      serialConsistency: types.consistencies.localSerial,
    };
    const insert = `INSERT INTO ${keyspace}.probe (id, value) VALUES (1, 'first') IF NOT EXISTS`;
    const decided = await cassandra.execute(insert, [], { ...options, isIdempotent: false });
    const { rows } = await cassandra.execute(`SELECT value FROM ${keyspace}.probe WHERE id = 1`, [], options);
    if (!decided.wasApplied() || rows[0]?.value !== 'first') throw new Error('Cassandra does not read what it wrote');
  } finally {
    await cassandra.execute(`DROP KEYSPACE ${keyspace}`);
  }
  const seen = cassandra.getState().getConnectedHosts().length;
  return `${nodes.length} replicas, written and read by LOCAL_QUORUM (connected to ${seen} of ${nodes.length})`;
}

async function connected(nodes: readonly EngineMember[]) {
  const cassandra = new Client({
    contactPoints: nodes.map(({ host, port }) => `${host}:${port}`),
    localDataCenter,
    // Nodes are on one port: the driver asks the rest of them there.
    protocolOptions: { port: nodes[0]?.port ?? 9042 },
    authProvider: new auth.PlainTextAuthProvider('', ''),
    pooling: { warmup: true },
    policies: {
      // No reconnecting in the background of a probe.
      reconnection: new policies.reconnection.ConstantReconnectionPolicy(60_000),
    },
    socketOptions: { connectTimeout: 5000, readTimeout: 20_000 },
  });
  const shutdown = () => cassandra.shutdown();
  try {
    await cassandra.connect();
  } catch (error) {
    await shutdown();
    throw error;
  }
  return { cassandra, [Symbol.asyncDispose]: shutdown };
}
