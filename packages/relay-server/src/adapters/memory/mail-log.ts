import { setImmediate } from 'node:timers';
import type { Clock } from '../../ports/clock.ts';
import type {
  LogAssignment,
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
import { behindBroken } from '../behind-broken.ts';
import { toldHandlers } from '../told-handlers.ts';
import type { MemoryLogBroker } from './memory-log-broker.ts';
import type { MemoryGroupMember, MemoryLogGroup } from './memory-log-group.ts';

/** What a memory log works with. */
export interface MemoryMailLogOptions {
  readonly broker: MemoryLogBroker;
  readonly clock: Clock;
  readonly timers: Timers;
}

/** A log in memory: one node of those that share a broker. */
export class MemoryMailLog implements MailLog {
  readonly #options: MemoryMailLogOptions;
  readonly #consumers = new Set<MemoryLogConsumer>();
  #isClosed = false;

  constructor(options: MemoryMailLogOptions) {
    this.#options = options;
  }

  async append(
    topic: string,
    key: Uint8Array,
    value: Uint8Array,
    headers: LogHeaders = {},
    fence?: LogFence,
  ): Promise<LogPosition> {
    const { broker, clock } = this.#options;
    try {
      this.#checkOpen();
      if (fence?.broken) throw behindBroken();
      return broker.append(topic, key, value, headers, clock.now());
    } catch (error) {
      if (fence) fence.broken = true;
      throw error;
    }
  }

  async consume(options: LogConsumerOptions, handlers: LogHandlers): Promise<LogConsumer> {
    this.#checkOpen();
    const { broker, timers } = this.#options;
    for (const topic of options.topics) broker.topicId(topic);
    const told = toldHandlers(handlers, timers, options.drainMs);
    const consumer = new MemoryLogConsumer(broker, options, told, () => this.#consumers.delete(consumer));
    this.#consumers.add(consumer);
    consumer.join();
    return consumer;
  }

  async committed(group: string, topic: string): Promise<readonly LogPosition[]> {
    return this.#options.broker.committed(group, topic);
  }

  async deleteBefore(topic: string, position: LogPosition): Promise<'deleted' | 'unknown'> {
    return this.#options.broker.deleteBefore(topic, position);
  }

  async describe(topic: string): Promise<LogTopic | undefined> {
    return this.#options.broker.describe(topic);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await Promise.all([...this.#consumers].map((consumer) => consumer.close()));
  }

  /** What a node looks like to the others that has stopped for longer than its session: it owns nothing any more, and does not know. */
  freeze(): void {
    for (const consumer of this.#consumers) consumer.freeze();
  }

  /** The node goes on, and learns what has happened. */
  wake(): void {
    for (const consumer of this.#consumers) consumer.thaw();
  }

  #checkOpen(): void {
    if (this.#isClosed) throw new RelayError('store-unavailable', 'This log was closed.', { retryable: true });
  }
}

interface Held {
  readonly assignment: LogAssignment;
  position: number;
  isPaused: boolean;
  /** Whether something reads it now: records are given one batch after the other. */
  isReading: boolean;
  /** When no more records are given: resolves when the owner has ended its work. */
  ending: Promise<void> | undefined;
}

class MemoryLogConsumer implements LogConsumer, MemoryGroupMember {
  readonly topics: readonly string[];
  readonly #broker: MemoryLogBroker;
  readonly #group: MemoryLogGroup;
  readonly #options: LogConsumerOptions;
  readonly #handlers: LogHandlers;
  readonly #onClosed: () => void;
  readonly #held = new Map<string, Held>();
  #closing: Promise<void> | undefined;

  constructor(broker: MemoryLogBroker, options: LogConsumerOptions, handlers: LogHandlers, onClosed: () => void) {
    this.topics = options.topics;
    this.#broker = broker;
    this.#group = broker.group(options.group);
    this.#options = options;
    this.#handlers = handlers;
    this.#onClosed = onClosed;
  }

  join(): void {
    this.#group.join(this);
  }

  async commit(assignment: LogAssignment, offset: number): Promise<'committed' | 'not-owned'> {
    if (!this.#held.has(assignment.id)) return 'not-owned';
    const outcome = this.#group.commit(this, assignment, offset);
    if (outcome === 'not-owned') this.thaw();
    return outcome;
  }

  pause(assignment: LogAssignment): void {
    const held = this.#held.get(assignment.id);
    if (held) held.isPaused = true;
  }

  resume(assignment: LogAssignment): void {
    const held = this.#held.get(assignment.id);
    if (!held) return;
    held.isPaused = false;
    this.#readSoon(held);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    await Promise.all([...this.#held.values()].map(({ assignment }) => this.handOver(assignment)));
    this.#group.expel(this);
    this.#onClosed();
  }

  freeze(): void {
    this.#group.expel(this);
  }

  /** Finds out whether the group has gone on without this member: then all is lost, and it joins anew. */
  thaw(): void {
    if (this.#group.has(this) || this.#closing !== undefined) return;
    for (const { assignment } of [...this.#held.values()]) this.lose(assignment);
    this.join();
  }

  begin(assignment: LogAssignment): void {
    const held = { assignment, position: assignment.start, isPaused: false, isReading: false, ending: undefined };
    this.#held.set(assignment.id, held);
    this.#handlers.assigned(assignment);
    this.#readSoon(held);
  }

  async handOver(assignment: LogAssignment): Promise<void> {
    const held = this.#held.get(assignment.id);
    if (!held) return;
    held.ending ??= this.#handlers.revoked(assignment, 'handed-over');
    await held.ending;
    this.#held.delete(assignment.id);
  }

  lose(assignment: LogAssignment): void {
    const held = this.#held.get(assignment.id);
    if (!held) return;
    this.#held.delete(assignment.id);
    held.ending ??= this.#handlers.revoked(assignment, 'lost');
  }

  wake(topicId: string, partition: number): void {
    for (const held of this.#held.values()) {
      if (held.assignment.topicId === topicId && held.assignment.partition === partition) this.#readSoon(held);
    }
  }

  #readSoon(held: Held): void {
    if (held.isReading || held.ending || held.isPaused) return;
    held.isReading = true;
    setImmediate(() => void this.#read(held));
  }

  async #read(held: Held): Promise<void> {
    const { assignment } = held;
    const { topicId, partition } = assignment;
    while (!held.ending && !held.isPaused) {
      const read = this.#broker.read(topicId, partition, held.position, this.#options.maxRecords);
      if (!read) break;
      if (held.position < read.earliest) {
        this.#handlers.skipped(assignment, { from: held.position, to: read.earliest });
        held.position = read.earliest;
      }
      const last = read.records.at(-1);
      if (!last) break;
      held.position = last.offset + 1;
      await this.#handlers.records(assignment, read.records);
    }
    held.isReading = false;
  }
}
