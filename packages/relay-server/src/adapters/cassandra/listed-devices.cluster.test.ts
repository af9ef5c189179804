import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { someAccount, someUser } from '../../conformance/samples.ts';
import { settableClock } from '../../conformance/settable-clock.ts';
import type { UserId } from '../../ports/ids.ts';
import { type CassandraAccounts, cassandraAccounts } from './cassandra-accounts.ts';
import type { CassandraDatabase } from './cassandra-database.ts';
import { someRealm, TestKeyspace } from './cassandra-keyspace.ts';
import type { HandoverPlan } from './handover-plan.ts';

/** What a node leaves that dies in the middle of a handover, and what others see of it. */
describe('listed devices beside a handover', () => {
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

  const begun: HandoverPlan = { begunAt: 0, numbers: [] };
  const statusOf = async (userId: UserId) => (await stores.listed.of(userId)).status;

  async function handover(id: string, plan: HandoverPlan, status: 'pending' | 'committed'): Promise<void> {
    await database.conditional('INSERT INTO handover (id, status, plan) VALUES (?, ?, ?) IF NOT EXISTS', [
      id,
      'pending',
      JSON.stringify(plan),
    ]);
    await database.conditional('UPDATE handover SET status = ? WHERE id = ? IF EXISTS', [status, id]);
  }

  async function marked(userId: UserId, id: string, columns: { readonly state: 'coming' | 'live' }): Promise<void> {
    await database.conditional('UPDATE user SET handover = ?, state = ? WHERE id = ? IF EXISTS', [
      id,
      columns.state,
      userId,
    ]);
  }

  it('an account that is to come is nobody until that is decided, and listed from then on', async () => {
    const { userId, ...account } = someAccount();
    await stores.accounts.register({ ...account, userId });
    const listed = await stores.listed.of(userId);
    const id = randomUUID();
    const plan = { ...begun, coming: { userId, incarnations: [], claim: '' } };
    await handover(id, plan, 'pending');
    await marked(userId, id, { state: 'coming' });
    expect(await statusOf(userId)).toBe('unknown');
    await handover(id, plan, 'committed');
    expect(await stores.listed.of(userId)).toEqual(listed);
  });

  it('an account that is to end is listed until that is decided, and has ended from then on', async () => {
    const { userId, ...account } = someAccount();
    await stores.accounts.register({ ...account, userId });
    const listed = await stores.listed.of(userId);
    const id = randomUUID();
    const plan: HandoverPlan = { ...begun, ending: { userId, reason: 'replaced', at: 1 } };
    await handover(id, plan, 'pending');
    await marked(userId, id, { state: 'live' });
    expect(await stores.listed.of(userId)).toEqual(listed);
    await handover(id, plan, 'committed');
    expect(await stores.listed.of(userId)).toEqual({ status: 'ended' });
  });

  it('a mark that is left from a handover that was aborted is nothing', async () => {
    const [live, coming] = [someAccount(), someAccount()];
    for (const account of [live, coming]) await stores.accounts.register(account);
    await marked(live.userId, randomUUID(), { state: 'live' });
    await marked(coming.userId, randomUUID(), { state: 'coming' });
    expect([await statusOf(live.userId), await statusOf(coming.userId)]).toEqual(['listed', 'unknown']);
    expect(await statusOf(someUser())).toBe('unknown');
  });
});
