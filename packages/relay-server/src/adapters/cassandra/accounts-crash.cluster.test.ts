import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { someBytes, start } from '../../conformance/samples.ts';
import { settableClock } from '../../conformance/settable-clock.ts';
import { RelayError } from '../../relay-error.ts';
import { cassandraAccounts } from './cassandra-accounts.ts';
import type { CassandraDatabase } from './cassandra-database.ts';
import { someRealm, TestKeyspace } from './cassandra-keyspace.ts';
import { cleanUp, expectNothingLeft, hour, type Scenario, scenarios, seen } from './crash-scenarios.ts';

const died = () => new RelayError('store-unavailable', 'the node has died', { retryable: true });

describe('a node that dies between two statements', () => {
  let keyspace: TestKeyspace;
  let database: CassandraDatabase;
  beforeAll(async () => {
    keyspace = await TestKeyspace.make();
    database = await keyspace.open();
  });
  afterAll(async () => {
    await database.close();
    await keyspace.drop();
  });

  const node = (realm: string, clock = settableClock(), trace?: Parameters<CassandraDatabase['traced']>[0]) =>
    cassandraAccounts(trace === undefined ? database : database.traced(trace), { clock, realm, patienceMs: 0 });

  /** Runs a change on a node that dies before its `at`th statement, looks with another one, and makes it there; whether it died at all. */
  async function dieAt(scenario: Scenario, at: number): Promise<boolean> {
    const realm = someRealm();
    const clock = settableClock();
    const survivor = node(realm, clock);
    const prepared = await scenario.prepare(survivor);
    const before = await seen(survivor, prepared);
    let statements = 0;
    const trace = (phase: string) => {
      if (phase === 'before' && ++statements >= at) throw died();
    };
    const answer = await prepared.change(node(realm, clock, trace)).catch((error: unknown) => error);
    const hasDied = statements >= at;
    if (answer instanceof Error) expect(answer).toMatchObject({ code: 'store-unavailable' });
    else expect([at, answer]).toEqual([at, scenario.first]);

    clock.set(start + hour);
    // Either the next one who needs it finds it, or whoever cleans up.
    if (at % 2 === 0) await survivor.cleaner.sweep(clock.now());
    const after = await seen(survivor, prepared);
    const wasMade = JSON.stringify(after) !== JSON.stringify(before);
    if (!(answer instanceof Error) && scenario.again !== 'repeated') expect([at, wasMade]).toEqual([at, true]);
    const repeated = await prepared.change(survivor);
    const made = await seen(survivor, prepared);
    if (wasMade) expect([at, after]).toEqual([at, made]);
    expect([at, repeated]).toEqual([at, wasMade ? scenario.again : expect.anything()]);
    if (!wasMade) expect([scenario.first, scenario.again]).toContainEqual(repeated);
    if (prepared.refresh !== undefined) {
      const step = {
        refresh: prepared.refresh,
        next: someBytes(32),
        access: someBytes(32),
        accessExpiresAt: start + 2 * hour,
        now: start,
      };
      expect([at, (await survivor.tokens.rotate(step)).status]).toEqual([at, 'rotated']);
    }
    await cleanUp(survivor);
    expect([at, await seen(survivor, prepared)]).toEqual([at, made]);
    return hasDied;
  }

  /** Runs a change whose `at`th statement is carried out while its answer is lost, and makes it again; whether there was one. */
  async function loseAt(scenario: Scenario, at: number): Promise<boolean> {
    const realm = someRealm();
    const clock = settableClock();
    let statements = 0;
    let isLosing = false;
    const trace = (phase: string) => {
      if (isLosing && phase === 'after' && ++statements === at) throw died();
    };
    const stores = node(realm, clock, trace);
    const prepared = await scenario.prepare(stores);
    isLosing = true;
    const answer = await prepared.change(stores).catch((error: unknown) => error);
    isLosing = false;
    const after = await seen(stores, prepared);
    if (answer instanceof Error) expect(answer).toMatchObject({ code: 'store-unavailable' });
    else expect([at, answer]).toEqual([at, scenario.first]);
    const repeated = await prepared.change(stores);
    expect([scenario.first, scenario.again]).toContainEqual(repeated);
    if (!(answer instanceof Error)) expect([at, repeated]).toEqual([at, scenario.again]);
    const made = await seen(stores, prepared);
    if (!(answer instanceof Error)) expect([at, after]).toEqual([at, made]);
    await cleanUp(stores);
    expect([at, await seen(stores, prepared)]).toEqual([at, made]);
    return statements >= at;
  }

  /** Every statement, a few at once. */
  async function each(run: (at: number) => Promise<boolean>): Promise<number> {
    const atOnce = 8;
    for (let from = 1; ; from += atOnce) {
      const wereThere = await Promise.all(Array.from({ length: atOnce }, (_, index) => run(from + index)));
      const last = wereThere.indexOf(false);
      if (last !== -1) return from + last - 1;
    }
  }

  for (const [name, scenario] of Object.entries(scenarios)) {
    it(`${name}: is made or not, and made when it is asked for again`, async () => {
      expect(await each((at) => dieAt(scenario, at))).toBeGreaterThan(4);
    }, 600_000);

    it(`${name}: an answer that is lost`, async () => {
      expect(await each((at) => loseAt(scenario, at))).toBeGreaterThan(4);
    }, 600_000);
  }

  it('nothing is left of what died that nobody reaches', () => expectNothingLeft(database));
});
