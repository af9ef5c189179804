import { setTimeout as pause } from 'node:timers/promises';
import { Admin, type Connection, ConnectionPool, findErrorBy, ListOffsetTimestamps } from '@platformatic/kafka';
import { RelayError } from '../../relay-error.ts';
import { codesOf, kafkaCode, orStoreFailure } from './kafka-failure.ts';
import { clientOptions, type KafkaOptions, retryDelayMs } from './kafka-options.ts';

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

type KnownBrokers = ReadonlyMap<number, { readonly host: string; readonly port: number }>;

/** How many brokers are asked in turn, at most. */
const mostTries = 3;

/**
 * What the parts of this adapter know of a Kafka cluster: brokers, topics, coordinators.
 *
 * The client asks the first broker of its list that takes a connection, each time anew: one that hangs does, so that every request would cost a time-out. Here who has not answered becomes the last of the list.
 */
export class KafkaCluster {
  readonly #options: KafkaOptions;
  /** The ids that topics had when they were looked for last. */
  readonly #ids = new Map<string, string>();
  #admin: Admin;
  /** In the order in which they are asked. */
  #addresses: readonly string[];
  #brokers: KnownBrokers = new Map();
  #isClosed = false;

  constructor(options: KafkaOptions) {
    this.#options = options;
    this.#addresses = options.brokers;
    this.#admin = this.#newAdmin();
  }

  /**
   * Asks the brokers something that may be asked twice.
   * @throws what the client throws
   */
  async ask<T>(work: (admin: Admin) => Promise<T>): Promise<T> {
    for (let tries = 1; ; tries += 1) {
      const admin = this.#admin;
      try {
        return await work(admin);
      } catch (error) {
        const codes = codesOf(error);
        const isSilent = codes.has('PLT_KFK_NETWORK') && !codes.has('PLT_KFK_AUTHENTICATION');
        const most = isSilent ? Math.max(2, Math.min(mostTries, this.#addresses.length)) : 2;
        const isFinal = !isSilent && error instanceof Error && findErrorBy(error, 'canRetry', false) !== null;
        if (this.#isClosed || isFinal || tries >= most) throw error;
        if (isSilent) this.#turnFrom(admin);
        await pause(retryDelayMs, undefined, { ref: false });
      }
    }
  }

  /** Asked of the brokers, now. `undefined` when there is no such topic. */
  async findTopic(topic: string): Promise<TopicLayout | undefined> {
    try {
      const { topics, brokers } = await this.ask((admin) => admin.metadata({ topics: [topic], forceUpdate: true }));
      this.#brokers = brokers;
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

  /** How many brokers answer now. */
  async brokerCount(): Promise<number> {
    return (await this.#lookForBrokers()).size;
  }

  /** `host:port` of the brokers that are known, without one of them. */
  addressesBut(broker: number): string[] {
    return [...this.#brokers].filter(([number]) => number !== broker).map(([, address]) => addressOf(address));
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
    const listed = await this.ask((admin) => admin.listOffsets({ topics: [{ name: topic, partitions: asked }] }));
    const found = listed.flatMap((one) => one.partitions);
    return new Map(found.map(({ partitionIndex, offset }) => [partitionIndex, Number(offset)]));
  }

  /** The broker that coordinates a group. */
  async coordinator(group: string): Promise<number> {
    const [found] = await this.ask((admin) => admin.findCoordinator({ keyType: 0, keys: [group] }));
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
        const address = this.#brokers.get(broker) ?? (await this.#lookForBrokers()).get(broker);
        if (!address) {
          throw new RelayError('store-unavailable', `Broker ${broker} of Kafka is not there now.`, { retryable: true });
        }
        return pool.get(address);
      },
      close: () => pool.close(),
    };
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#admin.close();
  }

  async #lookForBrokers(): Promise<KnownBrokers> {
    const { brokers } = await this.ask((admin) => admin.metadata({ topics: [], forceUpdate: true }));
    this.#brokers = brokers;
    return brokers;
  }

  #newAdmin(): Admin {
    // Trying again is `ask`'s: the client would begin with the same broker each time that it is asked.
    return new Admin({ ...clientOptions({ ...this.#options, brokers: this.#addresses }), retries: 0 });
  }

  /** Asks the first broker of the list last from now on, unless somebody has seen to it. What others ask of it begins anew. */
  #turnFrom(admin: Admin): void {
    if (this.#admin !== admin) return;
    const [first, ...others] = new Set([...this.#addresses, ...[...this.#brokers.values()].map(addressOf)]);
    this.#addresses = first === undefined ? others : [...others, first];
    this.#admin = this.#newAdmin();
    admin.close().catch(() => undefined);
  }
}

function addressOf({ host, port }: { readonly host: string; readonly port: number }): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
