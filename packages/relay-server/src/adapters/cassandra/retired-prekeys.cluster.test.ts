import { afterAll, beforeAll, expect, it } from 'vitest';
import { ecPrekey, signedPrekey, someAccount } from '../../conformance/samples.ts';
import { settableClock } from '../../conformance/settable-clock.ts';
import { type CassandraAccounts, cassandraAccounts } from './cassandra-accounts.ts';
import type { CassandraDatabase } from './cassandra-database.ts';
import { someRealm, TestKeyspace } from './cassandra-keyspace.ts';
import { retirePrekeys } from './retired-prekeys.ts';

let keyspace: TestKeyspace;
let database: CassandraDatabase;
let stores: CassandraAccounts;
beforeAll(async () => {
  keyspace = await TestKeyspace.make();
  database = await keyspace.open();
  stores = cassandraAccounts(database, { clock: settableClock(), realm: someRealm() });
});
afterAll(async () => {
  await database.close();
  await keyspace.drop();
});

it('gives no one-time key out that was there, whatever is uploaded again; sessions can be opened all the while', async () => {
  const ids = Array.from({ length: 60 }, (_, at) => at + 10);
  const keys = { prekeys: ids.map(ecPrekey), kyberPrekeys: ids.map(signedPrekey) };
  const accounts = Array.from({ length: 3 }, () => someAccount());
  const owners = accounts.map(({ userId, device }) => ({ userId, deviceId: device.deviceId }));
  for (const account of accounts) await stores.accounts.register(account);
  for (const owner of owners) expect(await stores.prekeys.put(owner, keys, 200)).toBe('stored');
  const before = await Promise.all(owners.map((owner) => stores.prekeys.left(owner)));
  const held = before.reduce((sum, { ec, kyber }) => sum + ec + kyber, 0);
  expect(held).toBeGreaterThanOrEqual(3 * 120);

  expect(await retirePrekeys(database)).toEqual({ devices: 3, keys: held });
  expect(await retirePrekeys(database)).toEqual({ devices: 0, keys: 0 });

  for (const owner of owners) {
    expect(await stores.prekeys.left(owner)).toEqual({ ec: 0, kyber: 0 });
    expect(await stores.prekeys.put(owner, keys, 200)).toBe('stored');
    expect(await stores.prekeys.left(owner)).toEqual({ ec: 0, kyber: 0 });
    const taken = await stores.prekeys.take(owner);
    expect(taken?.prekey).toBe(undefined);
    expect(taken?.kyberPrekey).toBeDefined();
    expect(await stores.prekeys.put(owner, { prekeys: [ecPrekey(900)] }, 200)).toBe('stored');
    expect((await stores.prekeys.take(owner))?.prekey?.id).toBe(900);
  }
});
