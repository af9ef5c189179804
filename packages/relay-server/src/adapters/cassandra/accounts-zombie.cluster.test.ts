import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { someBytes, start } from '../../conformance/samples.ts';
import { settableClock } from '../../conformance/settable-clock.ts';
import { cassandraAccounts } from './cassandra-accounts.ts';
import type { CassandraDatabase, StatementTrace } from './cassandra-database.ts';
import { someRealm, TestKeyspace } from './cassandra-keyspace.ts';
import { cleanUp, expectNothingLeft, hour, type Scenario, scenarios, seen } from './crash-scenarios.ts';

describe('a node that stands still between two statements, and wakes when others have gone on', () => {
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

  /** Stops a change before its `at`th statement, cleans up and makes it elsewhere, then lets it go on; whether there was such a statement. */
  async function pauseAt(scenario: Scenario, at: number): Promise<boolean> {
    const options = { clock: settableClock(), realm: someRealm(), patienceMs: 0 };
    const other = cassandraAccounts(database, options);
    const prepared = await scenario.prepare(other);
    const asleep = Promise.withResolvers<boolean>();
    const awake = Promise.withResolvers<void>();
    let statements = 0;
    const trace: StatementTrace = async (phase) => {
      if (phase !== 'before' || ++statements !== at) return;
      asleep.resolve(true);
      await awake.promise;
    };
    const sleeper = prepared.change(cassandraAccounts(database.traced(trace), options));
    const wasThere = await Promise.race([asleep.promise, sleeper.then(() => false)]);
    // Half of them are found by who cleans up first.
    if (at % 2 === 0) await cleanUp(other);
    const answer = wasThere ? await prepared.change(other) : await sleeper;
    const made = await seen(other, prepared);
    awake.resolve();
    const late = await sleeper;
    expect([scenario.first, scenario.again]).toContainEqual(answer);
    expect([scenario.first, scenario.again]).toContainEqual(late);
    if (wasThere && scenario.first !== scenario.again) {
      // One of them has made it.
      expect([at, JSON.stringify(answer) === JSON.stringify(late)]).toEqual([at, false]);
    }
    expect([at, await seen(other, prepared)]).toEqual([at, made]);
    await cleanUp(other);
    expect([at, await seen(other, prepared)]).toEqual([at, made]);
    if (prepared.refresh !== undefined) {
      const { refresh } = prepared;
      const step = { refresh, next: someBytes(32), access: someBytes(32), accessExpiresAt: start + hour, now: start };
      expect([at, (await other.tokens.rotate(step)).status]).toEqual([at, 'rotated']);
    }
    return wasThere;
  }

  for (const [name, scenario] of Object.entries(scenarios)) {
    it(`${name} is made once`, async () => {
      const atOnce = 8;
      let from = 1;
      for (;;) {
        const wereThere = await Promise.all(
          Array.from({ length: atOnce }, (_, index) => pauseAt(scenario, from + index)),
        );
        if (wereThere.includes(false)) break;
        from += atOnce;
      }
    }, 600_000);
  }

  it('nothing is left that nobody reaches', () => expectNothingLeft(database));
});
