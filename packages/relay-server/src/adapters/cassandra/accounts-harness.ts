import type { Harness, HarnessMaker } from '../../conformance/harness.ts';
import { settableClock } from '../../conformance/settable-clock.ts';
import { systemRandomness } from '../../platform/system-randomness.ts';
import type { UserId } from '../../ports/ids.ts';
import type { ListedDevices } from '../../ports/listed-devices.ts';
import type { Mailbox } from '../../ports/mailbox.ts';
import type { RelayStores } from '../../ports/relay-stores.ts';
import { MemoryMailbox } from '../memory/mailbox.ts';
import { type AccountRecord, emptyState, forgetDevice, type MemoryState } from '../memory/memory-state.ts';
import { type CassandraAccounts, type CassandraAccountsOptions, cassandraAccounts } from './cassandra-accounts.ts';
import type { CassandraDatabase } from './cassandra-database.ts';
import { someRealm, type TestKeyspace } from './cassandra-keyspace.ts';

/** The stores of a relay of which those of accounts are there, with who is listed. */
export type AccountsUnderTest = RelayStores & { readonly listed: ListedDevices };

/** The stores of accounts under test in the keyspace of a file, with a mailbox in memory beside them, which is told what other adapters are told. */
export function accountsHarness(keyspace: () => TestKeyspace): HarnessMaker<AccountsUnderTest> {
  return {
    missing: { files: 'what Cassandra keeps is in its own files' },
    async open(): Promise<Harness<AccountsUnderTest>> {
      const clock = settableClock();
      const realm = someRealm();
      const mail = emptyState();
      let database: CassandraDatabase;
      let stores: AccountsUnderTest;
      const open = async () => {
        database = await keyspace().open();
        stores = withMail(cassandraAccounts(database, { clock, realm, hooks: hooksOf(mail) }), mail);
      };
      await open();
      return {
        get stores() {
          return stores;
        },
        clock,
        async reopen() {
          await database.close();
          await open();
        },
        files: () => Promise.reject(new Error('what Cassandra keeps is in its own files')),
        close: () => database.close(),
      };
    },
  };
}

function hooksOf(mail: MemoryState): NonNullable<CassandraAccountsOptions['hooks']> {
  return {
    deviceGone: async (device) => forgetDevice(mail, device, 'revoked'),
    userGone: async (userId) => void mail.endedUsers.add(userId),
  };
}

function withMail(stores: CassandraAccounts, mail: MemoryState): AccountsUnderTest {
  const mailbox = new MemoryMailbox(mail, systemRandomness);
  const behind: Pick<Mailbox, 'append'> = {
    async append(append, limits) {
      const users = [append.sender, ...append.recipients].flatMap((each) => each?.userId ?? []);
      for (const userId of users) await tell(stores, mail, userId);
      return mailbox.append(append, limits);
    },
  };
  const bound = new Proxy(mailbox, {
    get(target, name) {
      if (name === 'append') return behind.append;
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  return { ...stores, mailbox: bound } as unknown as AccountsUnderTest;
}

/** Tells the mailbox which devices an account has, after all that was asked of it before. */
async function tell({ accounts, users }: CassandraAccounts, mail: MemoryState, userId: UserId): Promise<void> {
  await accounts.putProfile({ userId, deviceId: 0 as never }, new Uint8Array());
  const deviceList = await accounts.deviceList(userId);
  if (deviceList !== undefined) mail.accounts.set(userId, { deviceList } as AccountRecord);
  else if ((await users.look(userId)) !== undefined || (await users.hasEnded(userId))) {
    mail.accounts.delete(userId);
    mail.endedUsers.add(userId);
  }
}
