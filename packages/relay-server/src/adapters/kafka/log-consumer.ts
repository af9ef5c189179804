import { randomUUID } from 'node:crypto';
import { offsetFetchV8 } from '@platformatic/kafka';
import type { LogAssignment, LogConsumer, LogConsumerOptions, LogHandlers } from '../../ports/mail-log.ts';
import type { CancelTimer, Timers } from '../../ports/timers.ts';
import type { RelayError } from '../../relay-error.ts';
import type { TopicPartition } from '../sticky-shares.ts';
import { CommitQueue } from './commit-queue.ts';
import { GroupMember, type GroupOwner } from './group-member.ts';
import type { BrokerLine, KafkaCluster, TopicLayout } from './kafka-cluster.ts';
import { storeFailure } from './kafka-failure.ts';
import { PartitionFeed } from './partition-feed.ts';
import { type FetchOwner, RecordFetcher } from './record-fetcher.ts';
import { byTopic } from './topic-partitions.ts';

/** How members of groups take part, and how they fetch. */
export interface KafkaGroupOptions {
  /** How long a member that is not heard of stays one: within what the brokers allow (`group.min.session.timeout.ms`, 6 s by default). */
  readonly sessionMs: number;
  readonly heartbeatMs: number;
  /** How often it is looked for topics that have come, or have more partitions. */
  readonly topicsMs: number;
  /** The most bytes of one partition that are fetched at once, but for one batch that is larger. */
  readonly partitionBytes: number;
}

/** What a consumer works with. */
export interface KafkaConsumerParts extends KafkaGroupOptions {
  readonly cluster: KafkaCluster;
  readonly timers: Timers;
  /** None of which rejects. */
  readonly handlers: LogHandlers;
  readonly onClosed: () => void;
}

/** A member of a Kafka consumer group, as the port has it. */
export class KafkaLogConsumer implements LogConsumer, GroupOwner, FetchOwner {
  readonly #parts: KafkaConsumerParts;
  readonly #options: LogConsumerOptions;
  readonly #member: GroupMember;
  readonly #fetcher: RecordFetcher;
  readonly #commits: CommitQueue;
  readonly #line: BrokerLine;
  /** By the id of the assignment; those that are being handed over too. */
  readonly #feeds = new Map<string, PartitionFeed>();
  #isClosing = false;
  #closing: Promise<void> | undefined;
  /** Counts what ends everything that was owned: what was begun before is not gone on with. */
  #losses = 0;
  #stopLooking: CancelTimer | undefined;
  /** How many partitions the topics had when they were looked at last. */
  #counts = '';

  constructor(options: LogConsumerOptions, parts: KafkaConsumerParts) {
    const { cluster, timers, sessionMs, heartbeatMs, partitionBytes } = parts;
    const { group, topics, drainMs } = options;
    this.#parts = parts;
    this.#options = options;
    this.#line = cluster.line();
    const rebalanceMs = drainMs + 2 * sessionMs;
    const member = { cluster, group, topics, sessionMs, heartbeatMs, rebalanceMs, timers };
    this.#member = new GroupMember(member, this);
    this.#fetcher = new RecordFetcher({ cluster, timers, partitionBytes }, this);
    this.#commits = new CommitQueue({ group, member: this.#member, line: this.#line, timers });
  }

  /** @throws {RelayError} when the group can not be joined */
  async start(): Promise<void> {
    const { cluster, timers, topicsMs } = this.#parts;
    try {
      for (const topic of this.#options.topics) await cluster.topic(topic);
      await this.#member.start();
    } catch (error) {
      await Promise.all([this.#fetcher.close(), this.#line.close()]);
      throw error;
    }
    this.#stopLooking = timers.every(topicsMs, () => void this.#lookForTopics());
  }

  commit(assignment: LogAssignment, offset: number): Promise<'committed' | 'not-owned'> {
    return this.#commits.commit(assignment, offset);
  }

  pause(assignment: LogAssignment): void {
    const feed = this.#feeds.get(assignment.id);
    if (feed) feed.isPaused = true;
  }

  resume(assignment: LogAssignment): void {
    this.#feeds.get(assignment.id)?.resume();
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    this.#isClosing = true;
    this.#stopLooking?.();
    await this.#fetcher.close();
    await Promise.all([...this.#feeds.values()].map((feed) => this.#handOver(feed)));
    await this.#member.stop();
    await this.#line.close();
    this.#parts.onClosed();
  }

  feeds(): Iterable<PartitionFeed> {
    return this.#feeds.values();
  }

  owned(): readonly TopicPartition[] {
    return [...this.#feeds.values()].map(({ assignment }) => assignment);
  }

  async settle(share: readonly TopicPartition[]): Promise<boolean> {
    const wanted = new Set(share.map(placeOf));
    const owned = new Set(this.owned().map(placeOf));
    const leaving = [...this.#feeds.values()].filter(({ assignment }) => !wanted.has(placeOf(assignment)));
    const coming = share.filter((partition) => !owned.has(placeOf(partition)));
    const [, begun] = await Promise.allSettled([
      Promise.all(leaving.map((feed) => this.#handOver(feed))),
      this.#beginAll(coming),
    ]);
    if (begun.status === 'rejected') throw begun.reason;
    return leaving.length > 0;
  }

  lost(): void {
    this.#losses += 1;
    for (const feed of [...this.#feeds.values()]) this.#lose(feed);
  }

  replaced(topic: string, layout: TopicLayout | undefined): void {
    const feeds = [...this.#feeds.values()].filter(({ assignment }) => assignment.topic === topic);
    const gone = feeds.filter(({ assignment }) => assignment.topicId !== layout?.topicId);
    for (const feed of gone) this.#lose(feed);
    if (gone.length > 0) this.#member.rejoin();
  }

  failed(error: RelayError): void {
    this.#parts.handlers.failed(error);
  }

  async #handOver(feed: PartitionFeed): Promise<void> {
    const { assignment } = feed;
    feed.ending ??= this.#parts.handlers.revoked(assignment, 'handed-over');
    await feed.ending;
    this.#commits.end(assignment);
    this.#feeds.delete(assignment.id);
  }

  #lose(feed: PartitionFeed): void {
    this.#commits.end(feed.assignment);
    this.#feeds.delete(feed.assignment.id);
    feed.ending ??= this.#parts.handlers.revoked(feed.assignment, 'lost');
  }

  /** Begins with partitions of which this member is the only owner. */
  async #beginAll(partitions: readonly TopicPartition[]): Promise<void> {
    if (partitions.length === 0 || this.#isClosing) return;
    const losses = this.#losses;
    const layouts = new Map<string, TopicLayout>();
    for (const { topic } of partitions) {
      if (layouts.has(topic)) continue;
      const layout = await this.#parts.cluster.findTopic(topic);
      if (layout) layouts.set(topic, layout);
    }
    const there = partitions.filter(({ topic, partition }) => layouts.get(topic)?.leaders[partition] !== undefined);
    const committed = await this.#committed(there, layouts);
    const fresh = there.filter((partition) => !committed.has(placeOf(partition)));
    const earliest = await this.#earliest(fresh);
    if (losses !== this.#losses || this.#isClosing) return;
    let begun = 0;
    for (const place of there) {
      const start = committed.get(placeOf(place)) ?? earliest.get(placeOf(place));
      const layout = layouts.get(place.topic);
      if (start === undefined || !layout) continue;
      this.#begin(place, layout, start);
      begun += 1;
    }
    this.#fetcher.wake();
    if (begun === partitions.length) return;
    // Whoever shared them knows of partitions that the broker asked here has not heard of yet. Nobody else begins with them, so they are asked for again.
    this.#parts.timers.after(this.#parts.topicsMs, () => this.#member.rejoin());
  }

  #begin({ topic, partition }: TopicPartition, { topicId, leaders }: TopicLayout, start: number): void {
    const { handlers } = this.#parts;
    const assignment = { id: randomUUID(), topic, topicId, partition, start };
    const feed = new PartitionFeed(assignment, handlers, this.#options.maxRecords, () => this.#fetcher.wake());
    feed.leader = leaders[partition] ?? -1;
    this.#feeds.set(assignment.id, feed);
    this.#commits.begin(assignment);
    handlers.assigned(assignment);
    if (feed.leader < 0) this.#fetcher.locate(topic);
  }

  /** What the group has committed of topics with these ids: a commit whose metadata names another id is of a topic that had the name before. One without metadata was made by an operator, by name. */
  async #committed(
    partitions: readonly TopicPartition[],
    layouts: ReadonlyMap<string, TopicLayout>,
  ): Promise<ReadonlyMap<string, number>> {
    const topics = byTopic(partitions).map(({ topic, partitions: partitionIndexes }) => ({
      name: topic,
      partitionIndexes,
    }));
    const connection = await this.#line.to(await this.#member.coordinator());
    const groups = [{ groupId: this.#options.group, memberId: null, memberEpoch: -1, topics }];
    const response = await offsetFetchV8.api.async(connection, groups, true);
    const committed = new Map<string, number>();
    for (const { name: topic, partitions: found } of response.groups.flatMap((group) => group.topics)) {
      for (const { partitionIndex: partition, committedOffset, metadata } of found) {
        const isOfThis = !metadata || metadata === layouts.get(topic)?.topicId;
        if (committedOffset >= 0n && isOfThis) committed.set(placeOf({ topic, partition }), Number(committedOffset));
      }
    }
    return committed;
  }

  async #earliest(partitions: readonly TopicPartition[]): Promise<ReadonlyMap<string, number>> {
    const found = await Promise.all(
      byTopic(partitions).map(async ({ topic, partitions: indexes }) => {
        const offsets = await this.#parts.cluster.offsets(topic, indexes, 'earliest');
        return [...offsets].map(([partition, offset]) => [placeOf({ topic, partition }), offset] as const);
      }),
    );
    return new Map(found.flat());
  }

  /** Whoever leads the group sees to it that topics which came, or grew, are shared; each member, that it owns nothing of a topic which is gone. */
  async #lookForTopics(): Promise<void> {
    try {
      const counts: string[] = [];
      for (const topic of this.#options.topics) {
        const layout = await this.#parts.cluster.findTopic(topic);
        counts.push(`${layout?.leaders.length ?? 0} ${layout?.topicId}`);
        this.replaced(topic, layout);
      }
      if (this.#isClosing) return;
      const hasChanged = this.#counts !== '' && this.#counts !== counts.join();
      this.#counts = counts.join();
      if (hasChanged && this.#member.isLeader) this.#member.rejoin();
    } catch (error) {
      if (!this.#isClosing) this.failed(storeFailure(error));
    }
  }
}

function placeOf({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`;
}
