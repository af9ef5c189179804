import { RelayError } from '../../relay-error.ts';
import type { CassandraDatabase } from './cassandra-database.ts';

/** What all nodes of a cluster have alike, and what would do harm if one had it otherwise. */
export interface ClusterIdentity {
  readonly name: string;
  /** Whose quorum all nodes use. */
  readonly dataCenter: string;
  /** By which the relay's own secret is known again; tells nothing about it. */
  readonly keyMac: Uint8Array;
  /** The public key of the trust root. */
  readonly trustRoot: Uint8Array;
}

const scope = 'relay';
const select = 'SELECT name, data_center, key_mac, trust_root FROM cluster_identity WHERE scope = ?';

/** What the cluster of this keyspace was made with; `undefined` before anything was noted. */
export async function clusterIdentity(database: CassandraDatabase): Promise<ClusterIdentity | undefined> {
  const row = await database.row<{ name: string; data_center: string; key_mac: Buffer; trust_root: Buffer }>(
    select,
    [scope],
    'serial',
  );
  return row && { name: row.name, dataCenter: row.data_center, keyMac: row.key_mac, trustRoot: row.trust_root };
}

/** Notes what a cluster is made with, unless something is noted already; gives what is noted then, of whichever node it is. */
export async function noteClusterIdentity(
  database: CassandraDatabase,
  identity: ClusterIdentity,
): Promise<{ readonly isNew: boolean; readonly noted: ClusterIdentity }> {
  const before = await clusterIdentity(database);
  if (before !== undefined) return { isNew: false, noted: before };
  const { name, dataCenter, keyMac, trustRoot } = identity;
  const written = await database.conditional(
    'INSERT INTO cluster_identity (scope, name, data_center, key_mac, trust_root) VALUES (?, ?, ?, ?, ?) IF NOT EXISTS',
    [scope, name, dataCenter, keyMac, trustRoot],
  );
  if (written.status === 'applied') return { isNew: true, noted: identity };
  const noted = await clusterIdentity(database);
  if (noted !== undefined) return { isNew: false, noted };
  throw new RelayError('store-unavailable', 'Cassandra did not take what the cluster is made with. Try again.', {
    retryable: true,
  });
}
