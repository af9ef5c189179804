import type { Harness, HarnessMaker } from '../../conformance/harness.ts';
import { settableClock } from '../../conformance/settable-clock.ts';
import type { RelayStores } from '../../ports/relay-stores.ts';
import { type CassandraAccounts, cassandraAccounts } from './cassandra-accounts.ts';
import type { CassandraDatabase, CassandraOptions } from './cassandra-database.ts';
import { someRealm, type TestKeyspace } from './cassandra-keyspace.ts';
import { endedAccounts } from './ended-accounts.ts';
import { type CassandraGroupStores, cassandraGroupStores } from './group-stores.ts';

/** Accounts and groups on one node. */
export interface GroupNode extends CassandraGroupStores, CassandraAccounts {
  readonly database: CassandraDatabase;
}

/** What may be put into the way of a node. */
export interface GroupNodeOptions extends Partial<CassandraOptions> {
  /** Comes between each look at accounts and what is made of it. */
  readonly afterLook?: () => Promise<void>;
  /** Done instead of taking accounts that have ended out of their groups. */
  readonly userGone?: () => Promise<void>;
  /** What its groups are given as a database. */
  readonly wrap?: (database: CassandraDatabase) => CassandraDatabase;
}

/** Opens a node of its own over a keyspace. */
export async function openGroupNode(
  keyspace: TestKeyspace,
  realm: string,
  { afterLook, userGone, wrap = (database) => database, ...change }: GroupNodeOptions = {},
): Promise<GroupNode> {
  const database = await keyspace.open(change);
  const accounts = cassandraAccounts(database, {
    clock: settableClock(),
    realm,
    hooks: {
      userGone: (userId, { at }) => userGone?.() ?? groups.memberships.forgetUser(userId, at),
    },
  });
  const look = endedAccounts(accounts.users);
  const groups = cassandraGroupStores({
    database: wrap(database),
    realm,
    endedAmong: async (users) => {
      const ended = await look(users);
      await afterLook?.();
      return ended;
    },
  });
  return { ...accounts, ...groups, database };
}

/** The adapters of groups under test: each case in a realm of its own. */
export function groupHarness(keyspace: () => TestKeyspace): HarnessMaker<RelayStores> {
  const noFiles = 'what Cassandra keeps is in its own files';
  return {
    missing: { files: noFiles },
    async open(): Promise<Harness<RelayStores>> {
      const realm = someRealm();
      let node = await openGroupNode(keyspace(), realm);
      return {
        get stores() {
          return node as unknown as RelayStores;
        },
        clock: settableClock(),
        async reopen() {
          await node.database.close();
          node = await openGroupNode(keyspace(), realm);
        },
        files: () => Promise.reject(new Error(noFiles)),
        close: () => node.database.close(),
      };
    },
  };
}
