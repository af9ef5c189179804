import type { RelayConfig } from './config/relay-config.ts';
import { loadEngineAdapters } from './engine-adapters.ts';
import { engineOptions } from './engine-options.ts';
import { RelayError } from './relay-error.ts';

/**
 * What `sotto-relay forget-prekeys` does: after a restore of Cassandra, has no one-time prekey given out that may have been given out since the backup.
 *
 * @param say Is told what was done.
 * @throws {RelayError} `config-invalid`, `store-newer`, `store-unavailable`
 */
export async function forgetPrekeys(config: RelayConfig, say: (line: string) => void): Promise<void> {
  if (config.store !== 'cluster') {
    throw new RelayError('config-invalid', '`store` is `embedded`: this is for the Cassandra of a cluster.');
  }
  const { cassandra } = await loadEngineAdapters();
  const options = await engineOptions(config);
  const database = await cassandra.openMigrated(options.cassandra);
  try {
    const { devices, keys } = await cassandra.retirePrekeys(database);
    say(`Cassandra: marked the one-time prekeys that were left as given away: ${keys} of ${devices} devices`);
  } finally {
    await database.close();
  }
}
