import type {
  LogAssignment,
  LogConsumer,
  LogConsumerOptions,
  LogGap,
  LogHandlers,
  LogRecord,
  LogRevocation,
  MailLog,
} from '../ports/mail-log.ts';
import type { RelayError } from '../relay-error.ts';

/** A record as it came to a reader. */
export interface ReadRecord {
  readonly assignment: LogAssignment;
  readonly record: LogRecord;
  readonly text: string;
}

/** Handlers of a log's consumer that write down what they are told, and let a suite wait for it. */
export class LogReader implements LogHandlers {
  /** What is owned now, by partition. */
  readonly owned = new Map<number, LogAssignment>();
  readonly assignments: LogAssignment[] = [];
  readonly revocations: { readonly assignment: LogAssignment; readonly how: LogRevocation }[] = [];
  readonly read: ReadRecord[] = [];
  /** How many records came at once, in the order of their coming. */
  readonly batches: number[] = [];
  readonly gaps: LogGap[] = [];
  readonly failures: RelayError[] = [];
  /** What `records` waits for. */
  gate: Promise<void> = Promise.resolve();
  /** What is done at a revocation. */
  onRevoked: (assignment: LogAssignment, how: LogRevocation) => Promise<void> = () => Promise.resolve();
  #waiting: (() => void)[] = [];
  #consumer: LogConsumer | undefined;

  /** Joins a group with this reader. */
  static async join(log: MailLog, options: Partial<LogConsumerOptions> & JoinedGroup): Promise<LogReader> {
    const reader = new LogReader();
    await reader.join(log, options);
    return reader;
  }

  async join(log: MailLog, options: Partial<LogConsumerOptions> & JoinedGroup): Promise<void> {
    this.#consumer = await log.consume({ maxRecords: 100, drainMs: 5000, ...options }, this);
  }

  get consumer(): LogConsumer {
    if (!this.#consumer) throw new Error('not joined yet');
    return this.#consumer;
  }

  /** The values that were read, as text. */
  get texts(): readonly string[] {
    return this.read.map(({ text }) => text);
  }

  /** The assignment of a partition that is owned. */
  assignment(partition = 0): LogAssignment {
    const assignment = this.owned.get(partition);
    if (!assignment) throw new Error(`partition ${partition} is not owned`);
    return assignment;
  }

  /** Waits until something is so. */
  async until(isSo: () => boolean): Promise<void> {
    while (!isSo()) await this.isTold();
  }

  /** Resolves when this reader is told something next. */
  isTold(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }

  assigned(assignment: LogAssignment): void {
    this.owned.set(assignment.partition, assignment);
    this.assignments.push(assignment);
    this.#told();
  }

  async revoked(assignment: LogAssignment, how: LogRevocation): Promise<void> {
    if (this.owned.get(assignment.partition)?.id === assignment.id) this.owned.delete(assignment.partition);
    this.revocations.push({ assignment, how });
    this.#told();
    await this.onRevoked(assignment, how);
  }

  async records(assignment: LogAssignment, records: readonly LogRecord[]): Promise<void> {
    for (const record of records) {
      this.read.push({ assignment, record, text: Buffer.from(record.value).toString() });
    }
    this.batches.push(records.length);
    this.#told();
    await this.gate;
  }

  skipped(_assignment: LogAssignment, gap: LogGap): void {
    this.gaps.push(gap);
    this.#told();
  }

  failed(error: RelayError): void {
    this.failures.push(error);
    this.#told();
  }

  #told(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}

/** What has to be said to join a group. */
export interface JoinedGroup {
  readonly group: string;
  readonly topics: readonly string[];
}

/** Waits until something is so of several readers. */
export async function untilAll(readers: readonly LogReader[], isSo: () => boolean): Promise<void> {
  while (!isSo()) await Promise.race(readers.map((reader) => reader.isTold()));
}
