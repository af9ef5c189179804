import { randomBytes } from 'node:crypto';
import { runningEngines } from '../../../test/engines.ts';
import { systemClock } from '../../platform/system-clock.ts';
import { CassandraDatabase, type CassandraOptions, clientOf } from './cassandra-database.ts';
import { type MigrationOptions, migrate } from './migrations.ts';

/**
 * A keyspace for the tests of one file, with all tables, that nobody else uses.
 *
 * Made once a file, since making a table takes a tenth of a second, and a case must not wait for twenty. Cases meet nowhere: their ids are random, and each takes a realm of its own for what is kept in lists ({@link someRealm}).
 */
export class TestKeyspace {
  readonly options: CassandraOptions;

  private constructor(options: CassandraOptions) {
    this.options = options;
  }

  static async make(migration: Partial<MigrationOptions> = {}): Promise<TestKeyspace> {
    const { contactPoints, port, localDataCenter } = runningEngines().cassandra;
    const keyspace = `test_${randomBytes(8).toString('hex')}`;
    const options = { contactPoints, port, localDataCenter, keyspace };
    await migrate(options, { clock: systemClock, replication: 1, ...migration });
    return new TestKeyspace(options);
  }

  /** A session of its own, like that of another node. */
  open(change: Partial<CassandraOptions> = {}): Promise<CassandraDatabase> {
    return CassandraDatabase.open({ ...this.options, ...change });
  }

  drop(): Promise<void> {
    return TestKeyspace.dropped(this.options);
  }

  static async dropped(options: CassandraOptions): Promise<void> {
    // A busy engine takes its time to drop tables.
    const client = clientOf({ ...options, requestTimeoutMs: 90_000 }, undefined);
    try {
      await client.execute(`DROP KEYSPACE IF EXISTS "${options.keyspace}"`, [], { prepare: false });
    } finally {
      await client.shutdown();
    }
  }
}

/** A realm that nobody has used. */
export function someRealm(): string {
  return randomBytes(6).toString('hex');
}
