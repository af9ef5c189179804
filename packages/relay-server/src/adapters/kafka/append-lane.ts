import { type MessageToProduce, type ProduceResult, Producer, type produceV11 } from '@platformatic/kafka';
import type { LogFence, LogPosition } from '../../ports/mail-log.ts';
import type { CancelTimer, Timers } from '../../ports/timers.ts';
import type { RelayError } from '../../relay-error.ts';
import { behindBroken } from '../behind-broken.ts';
import { storeFailure } from './kafka-failure.ts';
import { clientOptions, type KafkaOptions } from './kafka-options.ts';

/** A record that is to be appended to a partition. */
export interface PlacedRecord {
  readonly topic: string;
  readonly topicId: string;
  readonly partition: number;
  readonly key: Buffer;
  readonly value: Buffer;
  readonly headers: ReadonlyMap<Buffer, Buffer>;
  /** When it is broken before the record is sent, it is not. */
  readonly fence: LogFence;
  /** With what it has besides, at most. */
  readonly bytes: number;
  readonly resolve: (position: LogPosition) => void;
  readonly reject: (error: RelayError) => void;
}

/** What a lane works with. */
export interface AppendLaneOptions {
  readonly kafka: KafkaOptions;
  readonly timers: Timers;
  /** How long the first record of a batch waits for more, when nothing is under way. */
  readonly lingerMs: number;
  /** The most bytes of what goes to a partition at once. */
  readonly recordBytes: number;
}

interface Waiting {
  readonly record: PlacedRecord;
  /** By the lane's own count of seconds. */
  readonly since: number;
}

/** The most bytes of all records in a request. */
const requestBytes = 8 * 1024 * 1024;
/** What a record has besides its bytes, at most, and a batch too. */
export const recordOverhead = 128;
/** Bytes that wait, at most: beyond them the log is late anyway, and memory is not. */
export const mostWaitingBytes = 64 * 1024 * 1024;
/** For how many seconds a record waits to be sent: with what a request may take that is less than what an append's caller reckons with. */
const patience = 30;

/**
 * Appends records of some partitions in batches: what came while the last request was under way goes in the next one.
 *
 * The producer is idempotent, acks=all: what it repeats by itself is kept once, in order. For that the client has one request a connection under way (`clients/producer/producer.js` sets `maxInflights: 1`), and this class one in all: batches are what makes it fast.
 * The client takes `retries` of 0 and 1 for "for ever" with an idempotent producer, so that an append would wait for a lost broker without end: it is 2 here.
 * The producer asks for the leaders again when a broker fails or says that it is not the leader. It never asks by the clock: an answer may take as long as a request is waited for, when the broker that is asked is one that hangs.
 * After an error it begins anew as another producer, so what that request was about may be kept, and kept twice when it is appended again: the port says so.
 */
export class AppendLane {
  readonly #options: AppendLaneOptions;
  readonly #producer: Producer;
  readonly #stopCounting: CancelTimer;
  #seconds = 0;
  #waiting: Waiting[] = [];
  #bytes = 0;
  #cancelLinger: CancelTimer | undefined;
  #isSending = false;
  /** When all that waited has been sent. */
  #sent: Promise<void> = Promise.resolve();

  /** `kafka.brokers` are asked for leaders in their order. */
  constructor(options: AppendLaneOptions) {
    this.#options = options;
    const client = { ...clientOptions(options.kafka), idempotent: true, retries: 2, metadataMaxAge: 86_400_000 };
    this.#producer = new Producer(client);
    this.#stopCounting = options.timers.every(1000, () => {
      this.#seconds += 1;
    });
  }

  add(record: PlacedRecord): void {
    if (this.#bytes + record.bytes > mostWaitingBytes) {
      record.reject(storeFailure(new Error('Kafka does not keep up with what is appended.')));
      return;
    }
    this.#waiting.push({ record, since: this.#seconds });
    this.#bytes += record.bytes;
    if (this.#isSending) return;
    if (this.#bytes >= this.#options.recordBytes) this.#send();
    else this.#cancelLinger ??= this.#options.timers.after(this.#options.lingerMs, () => this.#send());
  }

  /** Sends what waits. Nothing may be added any more. */
  async close(): Promise<void> {
    this.#send();
    await this.#sent;
    this.#stopCounting();
    await this.#producer.close();
  }

  #send(): void {
    if (this.#isSending) return;
    this.#cancelLinger?.();
    this.#cancelLinger = undefined;
    this.#isSending = true;
    this.#sent = this.#sendAll();
  }

  async #sendAll(): Promise<void> {
    while (this.#waiting.length > 0) await this.#sendSome();
    // In the turn of the last look: what is added later sends itself.
    this.#isSending = false;
  }

  async #sendSome(): Promise<void> {
    const records = this.#take();
    if (records.length === 0) return;
    const messages: MessageToProduce[] = records.map(({ topic, key, value, headers, partition }) => ({
      topic,
      key,
      value,
      headers: new Map(headers),
      partition,
    }));
    let failure = storeFailure(new Error('Kafka has not said where the record is.'));
    let next: Map<string, number>;
    try {
      next = offsetsOf(await this.#producer.send({ messages }));
    } catch (error) {
      failure = storeFailure(error);
      next = keptInSpiteOf(error);
    }
    for (const { topic, topicId, partition, resolve, reject } of records) {
      const place = `${topic}/${partition}`;
      const offset = next.get(place);
      if (offset === undefined || offset < 0) {
        reject(failure);
        continue;
      }
      next.set(place, offset + 1);
      resolve({ topicId, partition, offset });
    }
  }

  /** Takes what fits into a request, and leaves the rest. */
  #take(): readonly PlacedRecord[] {
    const fitting: PlacedRecord[] = [];
    const rest: Waiting[] = [];
    const sizes = new Map<string, number>();
    let all = 0;
    for (const waiting of this.#waiting) {
      const { record, since } = waiting;
      if (record.fence.broken) {
        record.reject(behindBroken());
        continue;
      }
      if (this.#seconds - since > patience) {
        record.reject(storeFailure(new Error('Kafka has not taken what was before this record in time.')));
        continue;
      }
      const place = `${record.topic}/${record.partition}`;
      // One batch a partition and request; its brokers refuse larger ones. An order that has begun to wait goes on waiting.
      const size = (sizes.get(place) ?? recordOverhead) + record.bytes;
      sizes.set(place, size);
      all += record.bytes;
      if (size <= this.#options.recordBytes + recordOverhead && all <= requestBytes) fitting.push(record);
      else {
        sizes.set(place, Number.POSITIVE_INFINITY);
        rest.push(waiting);
      }
    }
    this.#waiting = rest;
    this.#bytes = rest.reduce((sum, { record: { bytes } }) => sum + bytes, 0);
    return fitting;
  }
}

/** By the place of the partition. */
function offsetsOf({ offsets = [] }: ProduceResult): Map<string, number> {
  return new Map(offsets.map(({ topic, partition, offset }) => [`${topic}/${partition}`, Number(offset)]));
}

/**
 * Where records were kept although their request has failed.
 *
 * Of the brokers that have not failed the client says it in the error's `produced` (`#performSend` of `clients/producer/producer.js`). Of one that has failed for some partitions, and kept what was for the others, the answer stands in the errors that this one is made of.
 */
function keptInSpiteOf(error: unknown, depth = 0): Map<string, number> {
  if (!(error instanceof Error) || depth > 8) return new Map();
  const kept: (readonly [string, number])[] = [];
  for (const { name, partitionResponses } of responsesOf(error)) {
    for (const { index, errorCode, baseOffset } of partitionResponses) {
      if (errorCode === 0 && baseOffset >= 0n) kept.push([`${name}/${index}`, Number(baseOffset)]);
    }
  }
  const inner = error instanceof AggregateError ? error.errors : [];
  for (const one of [error.cause, ...inner]) kept.push(...keptInSpiteOf(one, depth + 1));
  const produced = 'produced' in error ? offsetsOf((error.produced as ProduceResult | undefined) ?? {}) : [];
  return new Map([...kept, ...produced]);
}

function responsesOf(error: Error): produceV11.ProduceResponse['responses'] {
  const response =
    'response' in error ? (error.response as Partial<produceV11.ProduceResponse> | undefined) : undefined;
  return response?.responses ?? [];
}
