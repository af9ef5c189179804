import type { Harness, HarnessMaker } from '../../conformance/harness.ts';
import { settableClock } from '../../conformance/settable-clock.ts';
import type { AccountEnding } from '../../ports/account-control.ts';
import type { NewAccount } from '../../ports/account-store.ts';
import type { UserId } from '../../ports/ids.ts';
import type { RelayStores } from '../../ports/relay-stores.ts';
import type { CassandraDatabase, CassandraOptions } from './cassandra-database.ts';
import { someRealm, type TestKeyspace } from './cassandra-keyspace.ts';
import { type CassandraGroupStores, cassandraGroupStores } from './group-stores.ts';

/** Groups on one node, with as much of accounts as groups ask for. */
export interface GroupNode extends CassandraGroupStores {
  readonly database: CassandraDatabase;
  readonly accounts: Pick<RelayStores['accounts'], 'register'>;
  readonly control: Pick<RelayStores['control'], 'end' | 'swept'>;
}

/** What may be put into the way of a node. */
export interface GroupNodeOptions extends Partial<CassandraOptions> {
  /** Comes between each look at accounts and what is made of it. */
  readonly afterLook?: () => Promise<void>;
}

/** Opens a node of its own over a keyspace. */
export async function openGroupNode(
  keyspace: TestKeyspace,
  realm: string,
  { afterLook, ...change }: GroupNodeOptions = {},
): Promise<GroupNode> {
  const database = await keyspace.open(change);
  const look = async (users: readonly UserId[]) => {
    const ended = await endedAmong(database, users);
    await afterLook?.();
    return ended;
  };
  const stores = cassandraGroupStores({ database, realm, endedAmong: look });
  return {
    ...stores,
    database,
    accounts: {
      register: async ({ userId }: NewAccount) => {
        await database.conditional("UPDATE user SET state = 'live' WHERE id = ? IF state = null", [userId]);
        return { status: 'registered', replaced: undefined } as never;
      },
    },
    control: {
      end: async ({ userId, now }: AccountEnding) => {
        await database.conditional("UPDATE user SET state = 'ended' WHERE id = ? IF state = 'live'", [userId]);
        await stores.memberships.forgetUser(userId, now);
        return 'ended';
      },
      swept: () => Promise.resolve(),
    },
  };
}

async function endedAmong(database: CassandraDatabase, users: readonly UserId[]): Promise<ReadonlySet<UserId>> {
  const cql = 'SELECT state FROM user WHERE id = ?';
  const states = await Promise.all(users.map((user) => database.row<{ state: string | null }>(cql, [user])));
  return new Set(users.filter((_, at) => states[at]?.state === 'ended'));
}

/** The adapters of groups under test: each case in a realm of its own. */
export function groupHarness(keyspace: () => TestKeyspace): HarnessMaker<RelayStores> {
  return {
    missing: { files: 'the files are those of Cassandra' },
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
        files: () => Promise.reject(new Error('the files are those of Cassandra')),
        close: () => node.database.close(),
      };
    },
  };
}
