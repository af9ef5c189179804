import Database from 'better-sqlite3';
import { expect, it } from 'vitest';
import { mail, roomy } from '../../conformance/mail-samples.ts';
import { someAccount, someEnding } from '../../conformance/samples.ts';
import { settableClock } from '../../conformance/settable-clock.ts';
import { openEmbeddedStores } from './embedded-stores.ts';
import { StoresFolder } from './stores-folder.ts';

it('mail behind the end of an account leaves no row of its device', async () => {
  using folder = new StoresFolder();
  const stores = await openEmbeddedStores({ folder: folder.path, clock: settableClock() });
  const [account, other] = [someAccount(), someAccount()];
  for (const each of [account, other]) await stores.accounts.register(each);
  await Promise.all([
    stores.control.end(someEnding(account)),
    stores.mailbox.append({ ...mail(other.device), sender: account.device }, roomy),
    stores.mailbox.append({ ...mail(account.device), sender: other.device }, roomy),
  ]);
  await stores.close();
  const database = new Database(folder.file, { readonly: true });
  const users = database.prepare<[], { user: string }>('SELECT lower(hex(user_id)) AS user FROM device').all();
  database.close();
  expect(users.map(({ user }) => user)).toEqual([other.userId.replaceAll('-', '')]);
});
