import { randomUUID } from 'node:crypto';
import { Admin } from '@platformatic/kafka';
import { type CassandraAccounts, cassandraAccounts } from '../src/adapters/cassandra/cassandra-accounts.ts';
import type { CassandraDatabase } from '../src/adapters/cassandra/cassandra-database.ts';
import { TestKeyspace } from '../src/adapters/cassandra/cassandra-keyspace.ts';
import { CassandraPendingStore } from '../src/adapters/cassandra/pending-store.ts';
import { KafkaMailLog } from '../src/adapters/kafka/mail-log.ts';
import { makeLogTopics } from '../src/adapters/kafka/topics.ts';
import { memoryStores } from '../src/adapters/memory/memory-stores.ts';
import { silentLogger } from '../src/adapters/memory/silent-logger.ts';
import { TlsNodeLink } from '../src/adapters/node-link/tls-node-link.ts';
import { RedisMailLedger } from '../src/adapters/redis/mail-ledger.ts';
import { RedisPresence } from '../src/adapters/redis/presence.ts';
import { RedisDatabase } from '../src/adapters/redis/redis-database.ts';
import { removeKeys } from '../src/adapters/redis/redis-harness.ts';
import { RedisSendReceipts } from '../src/adapters/redis/send-receipts.ts';
import { systemClock } from '../src/platform/system-clock.ts';
import { systemRandomness } from '../src/platform/system-randomness.ts';
import { systemTimers } from '../src/platform/system-timers.ts';
import type { Clock } from '../src/ports/clock.ts';
import { TestAuthority } from './certificates.ts';
import { runningEngines } from './engines.ts';
import type { MailCounts, MailGround, NodeGround } from './mail-ground.ts';

const host = '127.0.0.1';
const partitions = 3;

/** Kafka, Cassandra, Redis and links over TLS, with topics, a keyspace and keys of its own, which are dropped at the end. */
export class EngineGround implements MailGround {
  readonly topics: MailGround['topics'];
  readonly group: string;
  readonly #name: string;
  readonly #clock: Clock;
  readonly #keyspace: TestKeyspace;
  readonly #authority = new TestAuthority();
  readonly #database: CassandraDatabase;
  /** What the suites change of accounts, over a connection that no node has. */
  readonly #accounts: CassandraAccounts;
  #counted = 0;

  private constructor(name: string, clock: Clock, keyspace: TestKeyspace, database: CassandraDatabase) {
    this.#name = name;
    this.#clock = clock;
    this.#keyspace = keyspace;
    this.#database = database;
    this.#accounts = cassandraAccounts(database, { clock });
    this.topics = { toUser: `${name}-to-user`, toGroup: `${name}-to-group`, poison: `${name}-poison` };
    this.group = `${name}-dispatchers`;
  }

  /** @param clock of the adapters that are told no time with their calls */
  static async make(clock: Clock): Promise<EngineGround> {
    const name = `sotto-test-${randomUUID()}`;
    const keyspace = await TestKeyspace.make();
    const ground = new EngineGround(name, clock, keyspace, await keyspace.open());
    const { kafka } = runningEngines();
    await makeLogTopics({ kafka, topics: Object.values(ground.topics), partitions, replication: 1, minInSync: 1 });
    return ground;
  }

  async node(): Promise<NodeGround> {
    const { kafka } = runningEngines();
    const log = new KafkaMailLog({ kafka, sessionMs: 6_000, heartbeatMs: 100 });
    const [cassandra, redis] = await Promise.all([this.#keyspace.open(), this.#redis('shared')]);
    const { certificate, key } = this.#authority.issue({ hosts: [host] });
    const link = await TlsNodeLink.open({
      listen: { host, port: 0 },
      advertise: { host },
      credentials: { certificate, key, authority: this.#authority.certificate },
      clock: systemClock,
      timers: systemTimers,
      randomness: systemRandomness,
      logger: silentLogger,
    });
    const close = async () => {
      await Promise.all([log.close(), link.close()]);
      await Promise.all([cassandra.close(), redis.close()]);
    };
    return {
      log,
      link,
      pending: new CassandraPendingStore(cassandra),
      presence: new RedisPresence(redis, this.#clock, systemRandomness),
      ...countsOn(redis),
      listed: cassandraAccounts(cassandra, { clock: this.#clock }).listed,
      close,
      crash: () => {
        throw new Error('a node on engines dies with its process');
      },
    };
  }

  async counts(): Promise<MailCounts> {
    const redis = await this.#redis(`case-${++this.#counted}`);
    return { ...countsOn(redis), close: () => redis.close() };
  }

  accounts() {
    return { ...memoryStores({ clock: this.#clock }), ...this.#accounts };
  }

  async close(): Promise<void> {
    const { kafka, redis } = runningEngines();
    const admin = new Admin({ clientId: 'sotto-test', bootstrapBrokers: [...kafka.brokers], retries: 5 });
    await admin.deleteTopics({ topics: Object.values(this.topics) });
    await admin.deleteGroups({ groups: [this.group] });
    await admin.close();
    await removeKeys(redis.url, this.#name);
    await this.#database.close();
    await this.#keyspace.drop();
  }

  #redis(part: string): Promise<RedisDatabase> {
    const { url } = runningEngines().redis;
    const prefix = `${this.#name}:${part}`;
    return RedisDatabase.open({ url, prefix, commandTimeoutMs: 20_000, onTrouble: () => undefined });
  }
}

function countsOn(redis: RedisDatabase) {
  return { receipts: new RedisSendReceipts(redis, systemRandomness), ledger: new RedisMailLedger(redis) };
}
