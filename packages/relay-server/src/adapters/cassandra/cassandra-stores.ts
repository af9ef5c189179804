import type { Clock } from '../../ports/clock.ts';
import type { ListedDevices } from '../../ports/listed-devices.ts';
import type { MailLedger } from '../../ports/mail-ledger.ts';
import type { PendingStore } from '../../ports/pending-store.ts';
import type { RelayStores } from '../../ports/relay-stores.ts';
import { cassandraAccounts } from './cassandra-accounts.ts';
import type { CassandraDatabase } from './cassandra-database.ts';
import { endedAccounts } from './ended-accounts.ts';
import { type EndedDeviceParts, endedDevices } from './ended-devices.ts';
import { type CassandraGroupStores, cassandraGroupStores } from './group-stores.ts';
import { CassandraPendingStore } from './pending-store.ts';

export { clusterIdentity, noteClusterIdentity } from './cluster-identity.ts';
export { keyspaceReplication, migrate, tableAreas } from './migrations.ts';
export { openMigrated } from './open-migrated.ts';
export { retirePrekeys } from './retired-prekeys.ts';

/** What a cluster keeps in Cassandra. */
export interface CassandraStores
  extends Pick<RelayStores, 'accounts' | 'control' | 'devices' | 'prekeys' | 'tokens' | 'groups' | 'groupAvatars'> {
  readonly pending: PendingStore;
  readonly listed: ListedDevices;
  /** Whether a quorum of the replicas answers. */
  check(): Promise<void>;
}

/** What the stores in Cassandra need from outside. */
export interface CassandraStoresOptions {
  readonly clock: Clock;
  /** Forgets devices that are gone. */
  readonly ledger: Pick<MailLedger, 'forget'>;
  /** See `CassandraAccountsOptions`. */
  readonly realm?: string;
  /** Forgets codes of accounts that their owners ended. */
  readonly codes: EndedDeviceParts['codes'];
  /** As of the stores of accounts. */
  readonly cleanUpWaitMs?: number;
}

/** All that a relay keeps in Cassandra, made to work together. */
export function cassandraStores(
  database: CassandraDatabase,
  { clock, ledger, codes, cleanUpWaitMs, realm = '' }: CassandraStoresOptions,
): CassandraStores {
  const pending = new CassandraPendingStore(database);
  const accounts = cassandraAccounts(database, {
    clock,
    realm,
    ...(cleanUpWaitMs !== undefined && { cleanUpWaitMs }),
    hooks: endedDevices({
      pending,
      ledger,
      codes,
      memberships: { forgetUser: (userId, at) => groups.memberships.forgetUser(userId, at) },
    }),
  });
  const groups: CassandraGroupStores = cassandraGroupStores({
    database,
    realm,
    endedAmong: endedAccounts(accounts.users),
  });
  const { control, devices, prekeys, tokens, listed } = accounts;
  return {
    accounts: accounts.accounts,
    control,
    devices,
    prekeys,
    tokens,
    listed,
    groups: groups.groups,
    groupAvatars: groups.groupAvatars,
    pending,
    async check() {
      await database.row('SELECT scope FROM cluster_identity WHERE scope = ?', ['relay']);
    },
  };
}
