import type { LogFence, LogHeaders, LogPosition } from '../../ports/mail-log.ts';
import type { CancelTimer, Timers } from '../../ports/timers.ts';
import { RelayError } from '../../relay-error.ts';
import { behindBroken } from '../behind-broken.ts';
import { partitionOf } from '../key-partition.ts';
import { AppendLane, type PlacedRecord, recordOverhead } from './append-lane.ts';
import type { KafkaCluster, TopicLayout } from './kafka-cluster.ts';
import { storeFailure } from './kafka-failure.ts';
import type { KafkaOptions } from './kafka-options.ts';

/** How records are appended. */
export interface RecordAppenderOptions {
  readonly kafka: KafkaOptions;
  readonly cluster: KafkaCluster;
  readonly timers: Timers;
  /** How long the first record of a batch waits for more, when nothing is under way. */
  readonly lingerMs: number;
  /** The most bytes of a record; less than the topics' `max.message.bytes`. */
  readonly recordBytes: number;
}

type UnplacedRecord = Omit<PlacedRecord, 'topicId' | 'partition'>;

/** The lane of a partition, and how many of its records are not settled. */
interface LaneInUse {
  readonly lane: AppendLane;
  count: number;
}

/** How long it is taken for true where partitions are. */
const layoutMs = 5000;

/**
 * Appends records, by a lane for each broker: one that is dead or hangs holds up nobody but those whose records it leads.
 *
 * Records of one partition go by one lane as long as any of them is not settled, and so in their order; when its leader is another one by then, the lane's producer finds out by itself.
 * Where partitions are is asked anew beside the appends, which go on with what was known.
 */
export class RecordAppender {
  readonly #options: RecordAppenderOptions;
  readonly #layouts = new Map<string, TopicLayout>();
  /** Topics that were looked for not long ago, until they count as such no more. */
  readonly #looked = new Map<string, CancelTimer>();
  /** Records, in their order, of topics of which it is asked where they are. */
  readonly #unplaced = new Map<string, UnplacedRecord[]>();
  readonly #lanes = new Map<number, AppendLane>();
  /** Those of layouts that are out of date too. */
  readonly #allLanes = new Set<AppendLane>();
  readonly #inUse = new Map<string, LaneInUse>();
  readonly #placing = new Set<Promise<void>>();
  #isClosed = false;

  constructor(options: RecordAppenderOptions) {
    this.#options = options;
  }

  append(
    topic: string,
    key: Uint8Array,
    value: Uint8Array,
    headers: LogHeaders,
    fence: LogFence = { broken: false },
  ): Promise<LogPosition> {
    const refused = (error: RelayError) => {
      fence.broken = true;
      return Promise.reject(error);
    };
    if (this.#isClosed) {
      return refused(new RelayError('store-unavailable', 'This log was closed.', { retryable: true }));
    }
    if (fence.broken) return refused(behindBroken());
    const entries = Object.entries(headers).map(([name, content]) => [Buffer.from(name), bufferOf(content)] as const);
    const beside = entries.reduce((sum, [name, content]) => sum + name.length + content.length + 10, recordOverhead);
    const bytes = key.length + value.length + beside;
    if (bytes > this.#options.recordBytes) {
      return refused(new RelayError('request-too-large', 'This record is larger than its topic takes.'));
    }
    return new Promise((resolve, reject) => {
      const record = { topic, key: bufferOf(key), value: bufferOf(value), headers: new Map(entries), bytes };
      // Before anything else is sent: what comes behind it must not be kept.
      const rejected = (error: RelayError) => {
        fence.broken = true;
        reject(error);
      };
      this.#place({ ...record, fence, resolve, reject: rejected });
    });
  }

  /** Waits for what was appended. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all(this.#placing);
    for (const cancel of this.#looked.values()) cancel();
    await Promise.all([...this.#allLanes].map((lane) => lane.close()));
  }

  #place(record: UnplacedRecord): void {
    const { topic } = record;
    const before = this.#unplaced.get(topic);
    if (before) {
      before.push(record);
      return;
    }
    const layout = this.#layouts.get(topic);
    const isOld = layout && layout.topicId !== (this.#options.cluster.lastIdOf(topic) ?? layout.topicId);
    if (layout === undefined || isOld) {
      this.#unplaced.set(topic, [record]);
      const placing = this.#placeAll(topic).finally(() => this.#placing.delete(placing));
      this.#placing.add(placing);
      return;
    }
    this.#give(record, layout);
    if (!this.#looked.has(topic)) void this.#lookAgain(topic);
  }

  async #placeAll(topic: string): Promise<void> {
    let layout: TopicLayout | undefined;
    let failure: RelayError | undefined;
    try {
      layout = await this.#look(topic);
    } catch (error) {
      failure = storeFailure(error);
    }
    // In one turn: what is appended later comes after them.
    const records = this.#unplaced.get(topic) ?? [];
    this.#unplaced.delete(topic);
    for (const record of records) {
      if (layout) this.#give(record, layout);
      else record.reject(failure ?? storeFailure(new Error('no layout')));
    }
  }

  /** While it goes on, and if it fails, what was known counts; but a topic that is gone is looked for by who appends next. */
  async #lookAgain(topic: string): Promise<void> {
    this.#noteLook(topic);
    try {
      await this.#look(topic);
    } catch (error) {
      if (storeFailure(error).code === 'config-invalid') this.#layouts.delete(topic);
    }
  }

  async #look(topic: string): Promise<TopicLayout> {
    const layout = await this.#options.cluster.topic(topic);
    this.#noteLook(topic);
    const before = this.#layouts.get(topic);
    this.#layouts.set(topic, layout);
    // What producers know of a topic of another shape is wrong, and they don't ask.
    const hasChanged = before?.topicId !== layout.topicId || before.leaders.length !== layout.leaders.length;
    if (before && hasChanged) this.#lanes.clear();
    return layout;
  }

  #noteLook(topic: string): void {
    this.#looked.get(topic)?.();
    const over = () => void this.#looked.delete(topic);
    this.#looked.set(topic, this.#options.timers.after(layoutMs, over));
  }

  #give(record: UnplacedRecord, { topicId, leaders }: TopicLayout): void {
    const partition = partitionOf(record.key, leaders.length);
    const place = `${record.topic}/${partition}`;
    const inUse = this.#inUse.get(place) ?? { lane: this.#laneOf(leaders[partition] ?? -1), count: 0 };
    this.#inUse.set(place, inUse);
    inUse.count += 1;
    const settled = () => {
      inUse.count -= 1;
      if (inUse.count === 0) this.#inUse.delete(place);
    };
    inUse.lane.add({
      ...record,
      topicId,
      partition,
      resolve: (position) => {
        settled();
        record.resolve(position);
      },
      reject: (error) => {
        settled();
        record.reject(error);
      },
    });
  }

  #laneOf(broker: number): AppendLane {
    const known = this.#lanes.get(broker);
    if (known) return known;
    const { kafka, cluster, timers, lingerMs, recordBytes } = this.#options;
    // The lane's own broker last: when it hangs, another one says who leads in its place.
    const brokers = [...new Set([...cluster.addressesBut(broker), ...kafka.brokers])];
    const lane = new AppendLane({ kafka: { ...kafka, brokers }, timers, lingerMs, recordBytes });
    this.#lanes.set(broker, lane);
    this.#allLanes.add(lane);
    return lane;
  }
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}
