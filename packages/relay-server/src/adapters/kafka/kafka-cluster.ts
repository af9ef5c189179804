import { Admin, type Connection, ConnectionPool, ListOffsetTimestamps } from '@platformatic/kafka';
import { RelayError } from '../../relay-error.ts';
import { codesOf, kafkaCode, orStoreFailure } from './kafka-failure.ts';
import { clientOptions, type KafkaOptions } from './kafka-options.ts';

/** Where the partitions of a topic are. */
export interface TopicLayout {
  readonly topicId: string;
  /** The broker that leads each partition, by its number; -1 when there is none now. */
  readonly leaders: readonly number[];
}

/** One connection to each broker, apart from all others: a broker answers the requests of a connection one after the other, so that what waits there needs connections of its own. */
export interface BrokerLine {
  /** @throws what the client throws */
  to(broker: number): Promise<Connection>;
  close(): Promise<void>;
}

/** What the parts of this adapter know of a Kafka cluster: brokers, topics, coordinators. */
export class KafkaCluster {
  readonly admin: Admin;
  readonly #options: KafkaOptions;
  /** The ids that topics had when they were looked for last. */
  readonly #ids = new Map<string, string>();

  constructor(options: KafkaOptions) {
    this.#options = options;
    this.admin = new Admin(clientOptions(options));
  }

  /** Asked of the brokers, now. `undefined` when there is no such topic. */
  async findTopic(topic: string): Promise<TopicLayout | undefined> {
    try {
      const { topics } = await this.admin.metadata({ topics: [topic], forceUpdate: true });
      const found = topics.get(topic);
      if (!found) return undefined;
      this.#ids.set(topic, found.id);
      return { topicId: found.id, leaders: found.partitions.map(({ leader }) => leader) };
    } catch (error) {
      // The client makes a `UserError` of UNKNOWN_TOPIC_OR_PARTITION, without its code (`clients/base/base.js`).
      const isUnknown = error instanceof Error && error.message === `Unknown topic ${topic}.`;
      if (isUnknown || codesOf(error).has(kafkaCode.unknownTopic)) return undefined;
      throw error;
    }
  }

  /** The id that a topic had when it was looked for last; `undefined` when it never was. */
  lastIdOf(topic: string): string | undefined {
    return this.#ids.get(topic);
  }

  /** `host:port` of the brokers that are known, without one of them. */
  addressesBut(broker: number): string[] {
    const others = [...(this.admin.currentMetadata?.brokers ?? [])].filter(([number]) => number !== broker);
    return others.map(([, { host, port }]) => (host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`));
  }

  /** @throws {RelayError} `config-invalid` when there is no such topic, `store-unavailable` */
  async topic(topic: string): Promise<TopicLayout> {
    const layout = await orStoreFailure(this.findTopic(topic));
    if (layout) return layout;
    throw new RelayError('config-invalid', `Kafka has no topic ${topic}: make the topics before the relay starts.`);
  }

  /** The offsets of the oldest records of partitions, or those that their next ones get. */
  async offsets(
    topic: string,
    partitions: readonly number[],
    which: 'earliest' | 'end',
  ): Promise<ReadonlyMap<number, number>> {
    if (partitions.length === 0) return new Map();
    const timestamp = which === 'earliest' ? ListOffsetTimestamps.EARLIEST : ListOffsetTimestamps.LATEST;
    const asked = partitions.map((partitionIndex) => ({ partitionIndex, timestamp }));
    const listed = await this.admin.listOffsets({ topics: [{ name: topic, partitions: asked }] });
    const found = listed.flatMap((one) => one.partitions);
    return new Map(found.map(({ partitionIndex, offset }) => [partitionIndex, Number(offset)]));
  }

  /** The broker that coordinates a group. */
  async coordinator(group: string): Promise<number> {
    const [found] = await this.admin.findCoordinator({ keyType: 0, keys: [group] });
    if (!found)
      throw new RelayError('store-unavailable', 'Kafka has no coordinator for the group.', { retryable: true });
    return found.nodeId;
  }

  /** @param requestTimeoutMs How long a broker has to answer, when that is longer than for other requests. */
  line(requestTimeoutMs?: number): BrokerLine {
    const { clientId, bootstrapBrokers: _, ...options } = clientOptions(this.#options);
    const pool = new ConnectionPool(clientId, {
      ...options,
      ...(requestTimeoutMs !== undefined && { requestTimeout: requestTimeoutMs }),
    });
    return {
      to: async (broker) => {
        const known = this.admin.currentMetadata?.brokers.get(broker);
        const address = known ?? (await this.admin.metadata({ topics: [], forceUpdate: true })).brokers.get(broker);
        if (!address) {
          throw new RelayError('store-unavailable', `Broker ${broker} of Kafka is not there now.`, { retryable: true });
        }
        return pool.get(address);
      },
      close: () => pool.close(),
    };
  }

  async close(): Promise<void> {
    await this.admin.close();
  }
}
