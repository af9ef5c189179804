import { type MessageToProduce, type ProduceResult, Producer } from '@platformatic/kafka';
import type { LogHeaders, LogPosition } from '../../ports/mail-log.ts';
import type { CancelTimer, Timers } from '../../ports/timers.ts';
import { RelayError } from '../../relay-error.ts';
import { partitionOf } from '../key-partition.ts';
import type { KafkaCluster } from './kafka-cluster.ts';
import { storeFailure } from './kafka-failure.ts';
import { clientOptions, type KafkaOptions } from './kafka-options.ts';

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

interface Waiting {
  readonly topic: string;
  readonly key: Buffer;
  readonly value: Buffer;
  readonly headers: ReadonlyMap<Buffer, Buffer>;
  readonly bytes: number;
  readonly resolve: (position: LogPosition) => void;
  readonly reject: (error: RelayError) => void;
}

/** The most bytes of all records in a request. */
const requestBytes = 8 * 1024 * 1024;
/** What a record has besides its bytes, at most, and a batch too. */
const overhead = 128;

/**
 * Appends records in batches: what came while the last request was under way goes in the next one.
 *
 * The producer is idempotent, acks=all: what it repeats by itself is kept once, in order. For that the client has one request a connection under way (`clients/producer/producer.js` sets `maxInflights: 1`), and this class one in all: batches are what makes it fast.
 * The client takes `retries` of 0 and 1 for "for ever" with an idempotent producer, so that an append would wait for a lost broker without end: it is 2 here.
 * After an error it begins anew as another producer, so what that request was about may be kept, and kept twice when it is appended again: the port says so.
 */
export class RecordAppender {
  readonly #options: RecordAppenderOptions;
  readonly #producer: Producer;
  #waiting: Waiting[] = [];
  #bytes = 0;
  #cancelLinger: CancelTimer | undefined;
  #isSending = false;
  /** When all that waited has been sent. */
  #sent: Promise<void> = Promise.resolve();
  #isClosed = false;

  constructor(options: RecordAppenderOptions) {
    this.#options = options;
    this.#producer = new Producer({ ...clientOptions(options.kafka), idempotent: true, retries: 2 });
  }

  append(topic: string, key: Uint8Array, value: Uint8Array, headers: LogHeaders): Promise<LogPosition> {
    if (this.#isClosed) {
      return Promise.reject(new RelayError('store-unavailable', 'This log was closed.', { retryable: true }));
    }
    const entries = Object.entries(headers).map(([name, content]) => [Buffer.from(name), bufferOf(content)] as const);
    const beside = entries.reduce((sum, [name, content]) => sum + name.length + content.length + 10, overhead);
    const bytes = key.length + value.length + beside;
    if (bytes > this.#options.recordBytes) {
      return Promise.reject(new RelayError('request-too-large', 'This record is larger than its topic takes.'));
    }
    return new Promise((resolve, reject) => {
      const record = { topic, key: bufferOf(key), value: bufferOf(value), headers: new Map(entries), bytes };
      this.#waiting.push({ ...record, resolve, reject });
      this.#bytes += bytes;
      this.#sendSoon();
    });
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#send();
    await this.#sent;
    await this.#producer.close();
  }

  #sendSoon(): void {
    if (this.#isSending) return;
    if (this.#bytes >= this.#options.recordBytes) this.#send();
    else this.#cancelLinger ??= this.#options.timers.after(this.#options.lingerMs, () => this.#send());
  }

  #send(): void {
    if (this.#isSending) return;
    this.#cancelLinger?.();
    this.#cancelLinger = undefined;
    this.#isSending = true;
    this.#sent = this.#sendAll();
  }

  async #sendAll(): Promise<void> {
    while (this.#waiting.length > 0) {
      const waiting = this.#waiting;
      this.#waiting = [];
      this.#bytes = 0;
      await this.#sendSome(waiting);
    }
    // In the turn of the last look: what is appended later sends itself.
    this.#isSending = false;
  }

  /** Sends what fits, and puts the rest back in front. */
  async #sendSome(waiting: readonly Waiting[]): Promise<void> {
    const fitting: { readonly record: Waiting; readonly topicId: string; readonly partition: number }[] = [];
    const rest: Waiting[] = [];
    const sizes = new Map<string, number>();
    let all = 0;
    const layouts = await this.#layouts(waiting);
    for (const record of waiting) {
      const layout = layouts.get(record.topic);
      if (layout === undefined || layout instanceof RelayError) {
        record.reject(layout ?? storeFailure(new Error('no layout')));
        continue;
      }
      const partition = partitionOf(record.key, layout.partitions);
      const place = `${record.topic}/${partition}`;
      // One batch a partition and request; its brokers refuse larger ones. An order that has begun to wait goes on waiting.
      const size = (sizes.get(place) ?? overhead) + record.bytes;
      sizes.set(place, size);
      all += record.bytes;
      if (size <= this.#options.recordBytes + overhead && all <= requestBytes) {
        fitting.push({ record, topicId: layout.topicId, partition });
      } else {
        sizes.set(place, Number.POSITIVE_INFINITY);
        rest.push(record);
      }
    }
    this.#waiting = [...rest, ...this.#waiting];
    this.#bytes += rest.reduce((sum, { bytes }) => sum + bytes, 0);
    if (fitting.length === 0) return;
    const messages: MessageToProduce[] = fitting.map(({ record: { topic, key, value, headers }, partition }) => ({
      topic,
      key,
      value,
      headers: new Map(headers),
      partition,
    }));
    let failure = storeFailure(new Error('Kafka has not said where the record is.'));
    let produced: ProduceResult = {};
    try {
      produced = await this.#producer.send({ messages });
    } catch (error) {
      failure = storeFailure(error);
      // One broker has failed: what went to the others is kept, and told so.
      produced = producedOf(error);
    }
    const next = new Map(
      (produced.offsets ?? []).map(({ topic, partition, offset }) => [`${topic}/${partition}`, Number(offset)]),
    );
    for (const { record, topicId, partition } of fitting) {
      const place = `${record.topic}/${partition}`;
      const offset = next.get(place);
      if (offset === undefined || offset < 0) {
        record.reject(failure);
        continue;
      }
      next.set(place, offset + 1);
      record.resolve({ topicId, partition, offset });
    }
  }

  /** From what the producer itself goes by. It asks anew after five seconds; within these, a topic that was made anew may have its old id in positions, unless this log has come across the new one. */
  async #layouts(
    waiting: readonly Waiting[],
  ): Promise<ReadonlyMap<string, { readonly topicId: string; readonly partitions: number } | RelayError>> {
    const layouts = new Map<string, { readonly topicId: string; readonly partitions: number } | RelayError>();
    for (const topic of new Set(waiting.map((record) => record.topic))) {
      try {
        const known = (await this.#producer.metadata({ topics: [topic] })).topics.get(topic);
        const isOld = known && known.id !== (this.#options.cluster.lastIdOf(topic) ?? known.id);
        const found = isOld
          ? (await this.#producer.metadata({ topics: [topic], forceUpdate: true })).topics.get(topic)
          : known;
        if (found) layouts.set(topic, { topicId: found.id, partitions: found.partitionsCount });
      } catch (error) {
        layouts.set(topic, storeFailure(error));
      }
    }
    return layouts;
  }
}

/** What was kept in spite of an error: the client says it in the error's `produced` (`#performSend` of `clients/producer/producer.js`). */
function producedOf(error: unknown): ProduceResult {
  if (!(error instanceof Error) || !('produced' in error)) return {};
  return (error.produced as ProduceResult | undefined) ?? {};
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}
