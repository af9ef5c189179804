import type { LogFence, LogHeaders, LogPosition } from '../../ports/mail-log.ts';
import type { CancelTimer, Timers } from '../../ports/timers.ts';
import { RelayError } from '../../relay-error.ts';
import { behindBroken } from '../behind-broken.ts';
import { partitionOf } from '../key-partition.ts';
import { AppendLane, mostWaitingBytes, type PlacedRecord, recordOverhead } from './append-lane.ts';
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

/** A lane, and how many of the records that were given to it are not settled. */
interface CountedLane {
  readonly lane: AppendLane;
  count: number;
}

/** The lane of a partition, and how many of its records are not settled. */
interface LaneInUse {
  readonly counted: CountedLane;
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
  #unplacedBytes = 0;
  readonly #lanes = new Map<number, CountedLane>();
  /** Of layouts that are out of date: each until its last record is settled, and it is closed. */
  readonly #oldLanes = new Set<CountedLane>();
  readonly #closing = new Set<Promise<void>>();
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

  /** Waits for what was appended. A look that no append waits for ends with the cluster, and changes nothing any more. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all(this.#placing);
    for (const cancel of this.#looked.values()) cancel();
    this.#looked.clear();
    const lanes = [...this.#lanes.values(), ...this.#oldLanes];
    await Promise.all([...lanes.map(({ lane }) => lane.close()), ...this.#closing]);
  }

  #place(record: UnplacedRecord): void {
    const { topic } = record;
    const before = this.#unplaced.get(topic);
    const layout = this.#layouts.get(topic);
    const isOld = layout && layout.topicId !== (this.#options.cluster.lastIdOf(topic) ?? layout.topicId);
    if (before || layout === undefined || isOld) {
      if (this.#unplacedBytes + record.bytes > mostWaitingBytes) {
        record.reject(storeFailure(new Error('Kafka does not say where records go.')));
        return;
      }
      this.#unplacedBytes += record.bytes;
      if (before) {
        before.push(record);
        return;
      }
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
      this.#unplacedBytes -= record.bytes;
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
    if (before && hasChanged) this.#leaveLanes();
    return layout;
  }

  #noteLook(topic: string): void {
    if (this.#isClosed) return;
    this.#looked.get(topic)?.();
    const over = () => void this.#looked.delete(topic);
    this.#looked.set(topic, this.#options.timers.after(layoutMs, over));
  }

  #give(record: UnplacedRecord, { topicId, leaders }: TopicLayout): void {
    const partition = partitionOf(record.key, leaders.length);
    const place = `${record.topic}/${partition}`;
    const inUse = this.#inUse.get(place) ?? { counted: this.#laneOf(leaders[partition] ?? -1), count: 0 };
    const { counted } = inUse;
    this.#inUse.set(place, inUse);
    inUse.count += 1;
    counted.count += 1;
    const settled = () => {
      inUse.count -= 1;
      counted.count -= 1;
      if (inUse.count === 0) this.#inUse.delete(place);
      if (counted.count === 0 && this.#oldLanes.has(counted)) this.#end(counted);
    };
    counted.lane.add({
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

  /** What comes from here on goes by new lanes; but records of partitions in use stay behind those before them. */
  #leaveLanes(): void {
    for (const counted of this.#lanes.values()) {
      this.#oldLanes.add(counted);
      if (counted.count === 0) this.#end(counted);
    }
    this.#lanes.clear();
  }

  #end(counted: CountedLane): void {
    // `close` closes all that there are, and waits.
    if (this.#isClosed) return;
    this.#oldLanes.delete(counted);
    // Nothing waits in it: what its client says at its end is nobody's.
    const closing = counted.lane
      .close()
      .catch(() => undefined)
      .finally(() => this.#closing.delete(closing));
    this.#closing.add(closing);
  }

  #laneOf(broker: number): CountedLane {
    const known = this.#lanes.get(broker);
    if (known) return known;
    const { kafka, cluster, timers, lingerMs, recordBytes } = this.#options;
    // The lane's own broker last: when it hangs, another one says who leads in its place.
    const brokers = [...new Set([...cluster.addressesBut(broker), ...kafka.brokers])];
    const counted = { lane: new AppendLane({ kafka: { ...kafka, brokers }, timers, lingerMs, recordBytes }), count: 0 };
    this.#lanes.set(broker, counted);
    return counted;
  }
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}
