import { setImmediate } from 'node:timers';
import { fetchV13 } from '@platformatic/kafka';
import type { Timers } from '../../ports/timers.ts';
import { RelayError } from '../../relay-error.ts';
import { fetchedRecords } from './fetched-records.ts';
import type { BrokerLine, KafkaCluster, TopicLayout } from './kafka-cluster.ts';
import { codesOf, kafkaCode, storeFailure } from './kafka-failure.ts';
import { retryDelayMs } from './kafka-options.ts';
import type { PartitionFeed } from './partition-feed.ts';

/** Whose records are fetched. */
export interface FetchOwner {
  feeds(): Iterable<PartitionFeed>;
  /** A topic is not there any more, or has another id. */
  replaced(topic: string, layout: TopicLayout | undefined): void;
  failed(error: RelayError): void;
}

/** What a fetcher works with. */
export interface RecordFetcherOptions {
  readonly cluster: KafkaCluster;
  readonly timers: Timers;
  /** The most bytes of one partition in an answer, but for one batch that is larger. */
  readonly partitionBytes: number;
}

type FetchResponse = fetchV13.FetchResponse;

interface Slot {
  readonly line: BrokerLine;
  isBusy: boolean;
}

/** The requests to one broker at a time, each on a connection of its own. */
const slotsOfBroker = 3;
/** How long a broker keeps a request for which it has no records. */
const longWaitMs = 500;
/** The same for the last connection that is free, which has to be back for those that become hungry meanwhile. */
const shortWaitMs = 5;
const answerBytes = 4 * 1024 * 1024;

/**
 * Fetches for all partitions of a consumer that ask for records.
 *
 * One request to a broker has all that are hungry at that time, and waits there for the first record; those that become hungry meanwhile go in another one. Without the sessions of KIP-227, and by the ids of topics: a topic that was made anew answers UNKNOWN_TOPIC_ID, and no records of another one are given under an old position.
 * The records are all that were written (READ_UNCOMMITTED): the relay writes in no transactions.
 */
export class RecordFetcher {
  readonly #options: RecordFetcherOptions;
  readonly #owner: FetchOwner;
  readonly #slots = new Map<number, Slot[]>();
  readonly #lookedFor = new Set<string>();
  #served = 0;
  #isWoken = false;
  #isClosed = false;

  constructor(options: RecordFetcherOptions, owner: FetchOwner) {
    this.#options = options;
    this.#owner = owner;
  }

  /** Some feed may have become hungry. */
  wake(): void {
    if (this.#isWoken || this.#isClosed) return;
    this.#isWoken = true;
    // At the end of the turn, so that feeds that are done at once go together.
    setImmediate(() => {
      this.#isWoken = false;
      this.#fetchAll();
    });
  }

  /** Finds out where the partitions of a topic are, until it is known; not before a moment has passed, since the brokers don't all hear at once what has changed. */
  locate(topic: string): void {
    if (this.#lookedFor.has(topic)) return;
    this.#lookedFor.add(topic);
    void this.#locate(topic);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    const lines = [...this.#slots.values()].flat().map(({ line }) => line.close());
    await Promise.all(lines);
  }

  async #locate(topic: string): Promise<void> {
    let isPlaced = false;
    while (!isPlaced && !this.#isClosed) {
      await new Promise<void>((resolve) => void this.#options.timers.after(retryDelayMs, resolve));
      try {
        isPlaced = this.#place(topic, await this.#options.cluster.findTopic(topic));
      } catch (error) {
        if (!this.#isClosed) this.#owner.failed(storeFailure(error));
      }
    }
    this.#lookedFor.delete(topic);
    this.wake();
  }

  /** Whether all its partitions have a leader. */
  #place(topic: string, layout: TopicLayout | undefined): boolean {
    const feeds = [...this.#owner.feeds()].filter(({ assignment }) => assignment.topic === topic);
    if (!layout || feeds.some(({ assignment }) => assignment.topicId !== layout.topicId)) {
      this.#owner.replaced(topic, layout);
      return true;
    }
    for (const feed of feeds) feed.leader = layout.leaders[feed.assignment.partition] ?? -1;
    return feeds.every(({ leader }) => leader >= 0);
  }

  #fetchAll(): void {
    if (this.#isClosed) return;
    const hungry = new Map<number, PartitionFeed[]>();
    for (const feed of this.#owner.feeds()) {
      if (!feed.isHungry) continue;
      const feeds = hungry.get(feed.leader);
      if (feeds) feeds.push(feed);
      else hungry.set(feed.leader, [feed]);
    }
    for (const [broker, feeds] of hungry) {
      const slots = this.#slotsOf(broker);
      const free = slots.filter(({ isBusy }) => !isBusy);
      const [slot] = free;
      if (!slot) continue;
      feeds.sort((one, other) => one.servedAt - other.servedAt);
      const suspect = feeds.find(({ isSuspect }) => isSuspect);
      const isLong = suspect === undefined && free.length > 1;
      void this.#fetch(broker, slot, suspect ? [suspect] : feeds, isLong ? longWaitMs : shortWaitMs);
    }
  }

  #slotsOf(broker: number): readonly Slot[] {
    const known = this.#slots.get(broker);
    if (known) return known;
    const slots = Array.from({ length: slotsOfBroker }, () => ({ line: this.#options.cluster.line(), isBusy: false }));
    this.#slots.set(broker, slots);
    return slots;
  }

  async #fetch(broker: number, slot: Slot, feeds: readonly PartitionFeed[], waitMs: number): Promise<void> {
    slot.isBusy = true;
    for (const feed of feeds) feed.isFetching = true;
    let response: FetchResponse | undefined;
    let isUnread = false;
    try {
      const connection = await slot.line.to(broker);
      // Session epoch -1: no session (KIP-227).
      const topics = this.#requests(feeds);
      response = await fetchV13.api.async(connection, waitMs, 1, answerBytes, 0, 0, -1, topics, [], '');
    } catch (error) {
      response = responseOf(error);
      isUnread = !(error instanceof RelayError) && !codesOf(error).has('PLT_KFK_NETWORK');
      if (!response && !this.#isClosed) this.#owner.failed(storeFailure(error));
    }
    slot.isBusy = false;
    for (const feed of feeds) feed.isFetching = false;
    if (this.#isClosed) return;
    if (response) this.#give(feeds, response);
    else {
      for (const feed of feeds) {
        // Of a broker that was not reached none is suspected: asked for one by one they would come down on it.
        if (isUnread) feed.isSuspect = true;
        this.#astray(feed);
      }
    }
    this.wake();
  }

  #requests(feeds: readonly PartitionFeed[]) {
    return feeds.map(({ assignment, position }) => ({
      topicId: assignment.topicId,
      partitions: [
        {
          partition: assignment.partition,
          currentLeaderEpoch: -1,
          fetchOffset: BigInt(position),
          lastFetchedEpoch: -1,
          partitionMaxBytes: this.#options.partitionBytes,
        },
      ],
    }));
  }

  #give(feeds: readonly PartitionFeed[], response: FetchResponse): void {
    const byPlace = new Map(feeds.map((feed) => [`${feed.assignment.topicId}/${feed.assignment.partition}`, feed]));
    for (const { topicId, partitions } of response.responses) {
      for (const { partitionIndex, errorCode, records } of partitions) {
        const feed = byPlace.get(`${topicId}/${partitionIndex}`);
        if (!feed) continue;
        byPlace.delete(`${topicId}/${partitionIndex}`);
        feed.isSuspect = false;
        if (errorCode === kafkaCode.offsetOutOfRange) void this.#outOfRange(feed);
        else if (errorCode !== 0) this.#astray(feed);
        else {
          const { records: came, next } = fetchedRecords(records ?? [], feed.position);
          if (next > feed.position) {
            this.#served += 1;
            feed.servedAt = this.#served;
          }
          feed.fetched(came, next);
        }
      }
    }
    // With an error of the whole answer there may be nothing of them.
    if (response.errorCode !== 0) for (const feed of byPlace.values()) this.#astray(feed);
  }

  /**
   * Below what is left, or above its end after the log was cut: what is left is read.
   *
   * The broker's answer does not say what is left (its offsets are -1 with this error), so it is asked. A position that is in range after all was too early for a follower that has just become the leader.
   */
  async #outOfRange(feed: PartitionFeed): Promise<void> {
    const { topic, partition } = feed.assignment;
    feed.isFetching = true;
    try {
      const [earliest, end] = await Promise.all([
        this.#options.cluster.offsets(topic, [partition], 'earliest'),
        this.#options.cluster.offsets(topic, [partition], 'end'),
      ]);
      const [from = 0, to = 0] = [earliest.get(partition), end.get(partition)];
      if (feed.position < from || feed.position > to) feed.skipTo(from);
    } catch (error) {
      if (!this.#isClosed) this.#owner.failed(storeFailure(error));
      this.#astray(feed);
    }
    feed.isFetching = false;
    this.wake();
  }

  #astray(feed: PartitionFeed): void {
    feed.leader = -1;
    this.locate(feed.assignment.topic);
  }
}

/** What a broker has answered although some partitions failed: the client throws then. */
function responseOf(error: unknown): FetchResponse | undefined {
  if (!(error instanceof Error) || !('response' in error)) return undefined;
  return (error.response as FetchResponse | undefined) ?? undefined;
}
