import { ConfigResourceTypes } from '@platformatic/kafka';
import { closeEach } from '../../platform/close-each.ts';
import { systemTimers } from '../../platform/system-timers.ts';
import type {
  LogConsumer,
  LogConsumerOptions,
  LogFence,
  LogHandlers,
  LogHeaders,
  LogPosition,
  LogTopic,
  MailLog,
} from '../../ports/mail-log.ts';
import type { Timers } from '../../ports/timers.ts';
import { RelayError } from '../../relay-error.ts';
import { toldHandlers } from '../told-handlers.ts';
import { KafkaCluster } from './kafka-cluster.ts';
import { codesOf, kafkaCode, orStoreFailure, storeFailure } from './kafka-failure.ts';
import type { KafkaOptions } from './kafka-options.ts';
import { type KafkaGroupOptions, KafkaLogConsumer } from './log-consumer.ts';
import { RecordAppender } from './record-appender.ts';

/** What a Kafka log works with; what is left out has a default. */
export interface KafkaMailLogOptions extends Partial<KafkaGroupOptions> {
  readonly kafka: KafkaOptions;
  readonly timers?: Timers;
  /** How long an append waits for others to go with it, when nothing is under way; 3 ms by default. */
  readonly lingerMs?: number;
  /** The most bytes of a record, and of what goes to a partition at once; 1,000,000 by default, since topics take 1 MiB by default. */
  readonly recordBytes?: number;
}

/** A member hears at its next heartbeat that the group shares anew: until then who comes waits for its partitions, and mail in them too. */
const defaultHeartbeatMs = 500;

/** The log on Kafka: any number of nodes work on the same topics. Topics are made by `makeLogTopics`. */
export class KafkaMailLog implements MailLog {
  readonly #options: KafkaMailLogOptions;
  readonly #timers: Timers;
  readonly #cluster: KafkaCluster;
  readonly #appender: RecordAppender;
  readonly #consumers = new Set<KafkaLogConsumer>();
  #closing: Promise<void> | undefined;

  constructor(options: KafkaMailLogOptions) {
    const { kafka, timers = systemTimers, lingerMs = 3, recordBytes = 1_000_000 } = options;
    this.#options = options;
    this.#timers = timers;
    this.#cluster = new KafkaCluster(kafka);
    this.#appender = new RecordAppender({ kafka, cluster: this.#cluster, timers, lingerMs, recordBytes });
  }

  append(
    topic: string,
    key: Uint8Array,
    value: Uint8Array,
    headers: LogHeaders = {},
    fence?: LogFence,
  ): Promise<LogPosition> {
    return this.#appender.append(topic, key, value, headers, fence);
  }

  async consume(options: LogConsumerOptions, handlers: LogHandlers): Promise<LogConsumer> {
    this.#checkOpen();
    const { sessionMs = 10_000, topicsMs = 5000, partitionBytes = 256 * 1024 } = this.#options;
    const consumer = new KafkaLogConsumer(options, {
      cluster: this.#cluster,
      timers: this.#timers,
      sessionMs,
      heartbeatMs: this.#options.heartbeatMs ?? Math.min(defaultHeartbeatMs, sessionMs / 5),
      topicsMs,
      partitionBytes,
      handlers: toldHandlers(handlers, this.#timers, options.drainMs),
      onClosed: () => this.#consumers.delete(consumer),
    });
    this.#consumers.add(consumer);
    try {
      await consumer.start();
      this.#checkOpen();
      return consumer;
    } catch (error) {
      this.#consumers.delete(consumer);
      throw storeFailure(error);
    }
  }

  async committed(group: string, topic: string): Promise<readonly LogPosition[]> {
    const { topicId, leaders } = await this.#cluster.topic(topic);
    const partitionIndexes = [...leaders.keys()];
    const groups = [{ groupId: group, topics: [{ name: topic, partitionIndexes }] }];
    const listed = await orStoreFailure(
      this.#cluster.ask((admin) => admin.listConsumerGroupOffsets({ groups, requireStable: true })),
    );
    return listed
      .flatMap(({ topics }) => topics)
      .flatMap(({ partitions }) => partitions)
      .filter(({ committedOffset, metadata }) => committedOffset >= 0n && (!metadata || metadata === topicId))
      .map(({ partitionIndex, committedOffset }) => ({
        topicId,
        partition: partitionIndex,
        offset: Number(committedOffset),
      }));
  }

  /** DeleteRecords goes by the topic's name: one that is made anew between the look at its id and the request would lose its first records, up to that offset. */
  async deleteBefore(topic: string, { topicId, partition, offset }: LogPosition): Promise<'deleted' | 'unknown'> {
    const layout = await this.#cluster.topic(topic);
    if (layout.topicId !== topicId || layout.leaders[partition] === undefined) return 'unknown';
    const topics = [{ name: topic, partitions: [{ partition, offset: BigInt(offset) }] }];
    try {
      await this.#cluster.ask((admin) => admin.deleteRecords({ topics }));
      return 'deleted';
    } catch (error) {
      if (codesOf(error).has(kafkaCode.offsetOutOfRange)) return 'unknown';
      return orStoreFailure(Promise.reject(error));
    }
  }

  async describe(topic: string): Promise<LogTopic | undefined> {
    const layout = await orStoreFailure(this.#cluster.findTopic(topic));
    if (!layout) return undefined;
    const [earliest, end, retentionMs] = await orStoreFailure(
      Promise.all([
        this.#cluster.offsets(topic, [...layout.leaders.keys()], 'earliest'),
        this.#cluster.offsets(topic, [...layout.leaders.keys()], 'end'),
        this.#retention(topic),
      ]),
    );
    const partitions = layout.leaders.map((_, partition) => ({
      partition,
      earliest: earliest.get(partition) ?? 0,
      end: end.get(partition) ?? 0,
    }));
    return { topicId: layout.topicId, retentionMs, partitions };
  }

  /** Asks the brokers for a topic, which is little. @throws {RelayError} as `describe`, and `config-invalid` when there is none */
  async check(topic: string): Promise<void> {
    await this.#cluster.topic(topic);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  #checkOpen(): void {
    if (this.#closing === undefined) return;
    throw new RelayError('store-unavailable', 'This log was closed.', { retryable: true });
  }

  async #close(): Promise<void> {
    await closeEach([
      () => this.#appender.close(),
      ...[...this.#consumers].map((consumer) => () => consumer.close()),
      () => this.#cluster.close(),
    ]);
  }

  async #retention(topic: string): Promise<number | undefined> {
    const resources = [
      { resourceType: ConfigResourceTypes.TOPIC, resourceName: topic, configurationKeys: ['retention.ms'] },
    ];
    const [described] = await this.#cluster.ask((admin) => admin.describeConfigs({ resources }));
    const retention = Number(described?.configs.find(({ name }) => name === 'retention.ms')?.value ?? -1);
    return retention < 0 ? undefined : retention;
  }
}
