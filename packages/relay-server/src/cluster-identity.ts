import type { ClusterIdentity } from './adapters/cassandra/cluster-identity.ts';
import type { ClusterKeyMarks } from './cluster-keys.ts';
import type { RelayConfig } from './config/relay-config.ts';
import { RelayError } from './relay-error.ts';

/** What this node would have a cluster made with. */
export function identityOf({ cluster, cassandra }: RelayConfig, marks: ClusterKeyMarks): ClusterIdentity {
  return { name: cluster.name, dataCenter: cassandra.localDataCenter, ...marks };
}

/**
 * Compares a node with what its cluster was made with.
 * @throws {RelayError} `config-invalid`: it would find no number, read no mail or undo what others decide
 */
export function checkClusterIdentity(
  config: RelayConfig,
  marks: ClusterKeyMarks,
  made: ClusterIdentity | undefined,
): void {
  if (made === undefined) {
    throw refusal('Nothing is noted yet of what this cluster is made with: run `sotto-relay migrate` first');
  }
  const { keyspace } = config.cassandra;
  const mine = identityOf(config, marks);
  if (!isSame(mine.keyMac, made.keyMac)) {
    throw refusal(
      `\`cluster.relayKeyFile\` holds another key than the one that the relay in keyspace ${keyspace} was made with: copy that of another node, or restore it from your backup`,
    );
  }
  if (!isSame(mine.trustRoot, made.trustRoot)) {
    throw refusal(
      `\`cluster.trustRootFile\` is another trust root than the one that the relay in keyspace ${keyspace} was made with: set it as on the other nodes`,
    );
  }
  if (mine.name !== made.name) {
    throw refusal(
      `\`cluster.name\` is \`${mine.name}\`, and the relay in keyspace ${keyspace} was made as \`${made.name}\`: set that, or another keyspace`,
    );
  }
  if (mine.dataCenter !== made.dataCenter) {
    throw refusal(
      `\`cassandra.localDataCenter\` is \`${mine.dataCenter}\`, and all nodes of this relay use \`${made.dataCenter}\`: set that`,
    );
  }
}

function isSame(one: Uint8Array, other: Uint8Array): boolean {
  return Buffer.compare(one, other) === 0;
}

function refusal(message: string): RelayError {
  return new RelayError('config-invalid', `${message}.`);
}
