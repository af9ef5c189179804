import { systemTimers } from '../../platform/system-timers.ts';
import type { Timers } from '../../ports/timers.ts';
import { RelayError } from '../../relay-error.ts';
import { KafkaCluster, type TopicLayout } from './kafka-cluster.ts';
import { codesOf, kafkaCode, openFailure } from './kafka-failure.ts';
import { type KafkaOptions, retryDelayMs } from './kafka-options.ts';

/** How the topics of a relay are made. */
export interface LogTopicsOptions {
  readonly kafka: KafkaOptions;
  readonly topics: readonly string[];
  /** Can't be changed later: keys would go to other partitions, and lose their order. 64 by default. */
  readonly partitions?: number;
  /** On how many brokers each record stands; 3 by default. */
  readonly replication?: number;
  /** How many of them have to have a record before it is acknowledged; 2 by default. */
  readonly minInSync?: number;
  /** How long records are kept; 30 days by default. A record lives for up to `segmentMs` longer. */
  readonly retentionMs?: number;
  /** How long a segment is written to: Kafka deletes whole segments. An hour by default. */
  readonly segmentMs?: number;
  /** The largest batch that a topic takes: more than `recordBytes` of the log. 1 MiB by default. */
  readonly maxMessageBytes?: number;
  readonly timers?: Timers;
  /** Is told which topics this node has made. */
  readonly onMade?: (topic: string) => void;
}

/** A topic as it was found. */
export interface MadeTopic {
  readonly topic: string;
  readonly topicId: string;
  readonly partitions: number;
}

/** The shortest time between the making of a topic and its being known to all brokers that is waited for, in tries. */
const mostTries = 50;

const defaultReplication = 3;

const early = [
  kafkaCode.unknownTopic,
  kafkaCode.leaderNotAvailable,
  kafkaCode.notLeader,
  kafkaCode.fencedLeaderEpoch,
  kafkaCode.unknownLeaderEpoch,
  kafkaCode.unknownTopicId,
];

/** Whether this is what brokers say of a partition while they have not all heard who leads it: the one that is asked, or the one that said whom to ask, is behind. */
export function isEarly(error: unknown): boolean {
  const codes = codesOf(error);
  return early.some((code) => codes.has(code));
}

/**
 * Makes the topics that are not there, and gives the ids of all. Any number of nodes may call it at once: one makes a topic, the others find it.
 *
 * Settings of topics that are there are left as they are, since an operator may have changed them; only the number of partitions is compared.
 * @throws {RelayError} `config-invalid` when a topic has another number of partitions than is asked for, or when the brokers refuse what is asked for; `store-unavailable`
 */
export async function makeLogTopics(options: LogTopicsOptions): Promise<readonly MadeTopic[]> {
  const { kafka, topics, partitions = 64, timers = systemTimers } = options;
  const cluster = new KafkaCluster(kafka);
  try {
    const made: MadeTopic[] = [];
    for (const topic of topics) {
      if (!(await cluster.findTopic(topic))) await makeTopic(cluster, topic, partitions, options);
      const layout = await known(cluster, topic, timers);
      made.push(madeTopic(topic, layout, partitions));
    }
    return made;
  } catch (error) {
    throw openFailure(error);
  } finally {
    await cluster.close();
  }
}

/**
 * Looks at topics and makes none: gives those that are there.
 * @throws {RelayError} `config-invalid` when one has another number of partitions than is asked for, or the brokers refuse this relay; `store-unavailable`
 */
export async function findLogTopics(
  options: Pick<LogTopicsOptions, 'kafka' | 'topics' | 'partitions'>,
): Promise<readonly MadeTopic[]> {
  const { kafka, topics, partitions = 64 } = options;
  const cluster = new KafkaCluster(kafka);
  try {
    const found: MadeTopic[] = [];
    for (const topic of topics) {
      const layout = await cluster.findTopic(topic);
      if (layout !== undefined) found.push(madeTopic(topic, layout, partitions));
    }
    return found;
  } catch (error) {
    throw openFailure(error);
  } finally {
    await cluster.close();
  }
}

/**
 * Looks, before anything is made, whether `makeLogTopics` would be refused: by the topics that are there, or by too few brokers for those that are not.
 * @throws {RelayError} `config-invalid`, `store-unavailable`
 */
export async function checkLogTopics(options: LogTopicsOptions): Promise<void> {
  const there = new Set((await findLogTopics(options)).map(({ topic }) => topic));
  const missing = options.topics.find((topic) => !there.has(topic));
  if (missing === undefined) return;
  const cluster = new KafkaCluster(options.kafka);
  try {
    const brokers = await cluster.brokerCount();
    if (brokers < (options.replication ?? defaultReplication)) throw tooFewBrokers(missing, options, { brokers });
  } catch (error) {
    throw openFailure(error);
  } finally {
    await cluster.close();
  }
}

function madeTopic(topic: string, { topicId, leaders }: TopicLayout, partitions: number): MadeTopic {
  const { length } = leaders;
  if (length === partitions) return { topic, topicId, partitions };
  throw new RelayError(
    'config-invalid',
    `Kafka's topic ${topic} has ${length} partitions, and ${partitions} are configured. Configure ${length}, or drain the relay and delete the topic: its number of partitions can not be changed without breaking the order of mail.`,
  );
}

async function makeTopic(cluster: KafkaCluster, topic: string, partitions: number, options: LogTopicsOptions) {
  const {
    replication = defaultReplication,
    minInSync = 2,
    retentionMs = 2_592_000_000,
    segmentMs = 3_600_000,
  } = options;
  const settings = {
    'cleanup.policy': 'delete',
    'retention.ms': `${retentionMs}`,
    'retention.bytes': '-1',
    'segment.ms': `${segmentMs}`,
    // The relay's time-outs and retention go by the brokers' clocks, not by the senders'.
    'message.timestamp.type': 'LogAppendTime',
    'min.insync.replicas': `${minInSync}`,
    'unclean.leader.election.enable': 'false',
    'max.message.bytes': `${options.maxMessageBytes ?? 1_048_588}`,
  };
  const configs = Object.entries(settings).map(([name, value]) => ({ name, value }));
  try {
    await cluster.ask((admin) => admin.createTopics({ topics: [topic], partitions, replicas: replication, configs }));
    options.onMade?.(topic);
  } catch (error) {
    const codes = codesOf(error);
    if (codes.has(kafkaCode.topicExists)) return;
    const refused = [kafkaCode.invalidReplication, kafkaCode.invalidPartitions, kafkaCode.invalidConfig];
    if (refused.some((code) => codes.has(code))) throw tooFewBrokers(topic, options, { cause: error });
    throw error;
  }
}

function tooFewBrokers(
  topic: string,
  { partitions = 64, replication = defaultReplication, minInSync = 2 }: LogTopicsOptions,
  { brokers, cause }: { readonly brokers?: number; readonly cause?: unknown },
): RelayError {
  const there =
    brokers === undefined
      ? 'Kafka refuses'
      : `Kafka has ${brokers} ${brokers === 1 ? 'broker' : 'brokers'}, and would refuse`;
  const message = `${there} to make ${topic} with ${partitions} partitions on ${replication} brokers each, ${minInSync} of them in sync: it needs that many brokers. Start them, or set \`kafka.replicas\`.`;
  return new RelayError('config-invalid', message, { cause });
}

/** The layout of a topic that was made just now: brokers hear of it one after the other, and lead its partitions a moment after it is known who does. */
async function known(cluster: KafkaCluster, topic: string, timers: Timers): Promise<TopicLayout> {
  for (let tries = 0; tries < mostTries; tries += 1) {
    const layout = await cluster.findTopic(topic);
    if (layout !== undefined && (await isLed(cluster, topic, layout))) return layout;
    await new Promise<void>((resolve) => void timers.after(retryDelayMs, resolve));
  }
  throw new RelayError('store-unavailable', `Kafka's topic ${topic} has partitions without a leader.`, {
    retryable: true,
  });
}

/** Whether the brokers that are to lead the partitions answer for them. */
async function isLed(cluster: KafkaCluster, topic: string, { leaders }: TopicLayout): Promise<boolean> {
  if (leaders.length === 0 || leaders.some((leader) => leader < 0)) return false;
  try {
    await cluster.offsets(topic, [...leaders.keys()], 'end');
    return true;
  } catch (error) {
    if (isEarly(error)) return false;
    throw error;
  }
}
