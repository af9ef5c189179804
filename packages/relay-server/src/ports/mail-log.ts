import type { RelayError } from '../relay-error.ts';

/** Where a record stands. An offset means something under its topic's id alone: a topic that was made anew has another one. */
export interface LogPosition {
  readonly topicId: string;
  readonly partition: number;
  /** Counted from 0, below 2^53. Later records of a partition have greater ones, with holes: not every offset is a record's. */
  readonly offset: number;
}

/** What stands beside a record's value. */
export type LogHeaders = Readonly<Record<string, Uint8Array>>;

/** A record as it was appended. Bytes are given as they are, whatever they hold: parsing is not the log's. */
export interface LogRecord {
  readonly offset: number;
  /** Empty when the record has none: somebody else than this port appended it. */
  readonly key: Uint8Array;
  readonly value: Uint8Array;
  readonly headers: LogHeaders;
  /** By the log's own clock, milliseconds since the Unix epoch. */
  readonly appendedAt: number;
}

/** What appends have in common of which none may be kept behind one that was not. */
export interface LogFence {
  /** One of them was not kept, or nobody knows. */
  broken: boolean;
}

/** One partition in the hands of one consumer, from `assigned` to `revoked`: the next time that it gets the partition, that is another assignment. */
export interface LogAssignment {
  /** Never repeated. */
  readonly id: string;
  readonly topic: string;
  readonly topicId: string;
  readonly partition: number;
  /** Where reading begins: what the group has committed; or the earliest record that is left, when it has committed nothing. */
  readonly start: number;
}

/**
 * `handed-over`: the group wants to give the partition to somebody else, and waits. `lost`: it may have done so already, or the topic is another one now: nothing can be committed any more.
 */
export type LogRevocation = 'handed-over' | 'lost';

/** Offsets that will not be read: reading went on at `to` in place of `from`, since the records between were deleted. `to` is the smaller one when the log was cut behind the commit: then what is left is read again. */
export interface LogGap {
  readonly from: number;
  readonly to: number;
}

/** What a consumer's owner is told. None of these may throw; what `revoked` and `records` reject with goes to `failed`. */
export interface LogHandlers {
  /** The partition is this consumer's: its records follow. */
  assigned(assignment: LogAssignment): void;
  /**
   * No more records of the assignment are given, and what is in flight has to be cancelled, since another one will repeat it.
   *
   * With `handed-over` the partition is given to nobody else until this resolves, for `drainMs` at most, and what is committed before counts.
   */
  revoked(assignment: LogAssignment, how: LogRevocation): Promise<void>;
  /** Records in the order of their offsets, at least one. The next ones of this partition are read when this has resolved and the assignment is not paused; other partitions don't wait for it. */
  records(assignment: LogAssignment, records: readonly LogRecord[]): Promise<void>;
  /** Records were deleted before this consumer came to them. */
  skipped(assignment: LogAssignment, gap: LogGap): void;
  /** Something went wrong, and the consumer tries again by itself. */
  failed(error: RelayError): void;
}

/** How a consumer reads. */
export interface LogConsumerOptions {
  /** Owners of one group share the partitions. */
  readonly group: string;
  readonly topics: readonly string[];
  /** The most records given at once. */
  readonly maxRecords: number;
  /** How long a hand-over and `close` wait for `revoked`. */
  readonly drainMs: number;
}

/** One member of a group. Each partition belongs to one member at a time, as far as commits tell: who lost one without knowing still reads, but commits nothing. */
export interface LogConsumer {
  /**
   * Everything below `offset` is done: whoever owns the partition next begins there. Durable when it resolves.
   *
   * Never goes back: a lower offset than the one committed changes nothing, and is `committed`.
   * `not-owned`: the assignment is not this consumer's (any more); nothing has changed, however late that comes to light. Only when its topic was made anew, and this consumer has not heard of it, may it be `committed` still: that counts for no other topic id.
   * @throws {RelayError} `store-unavailable` when it is not known whether it was committed: commit again
   */
  commit(assignment: LogAssignment, offset: number): Promise<'committed' | 'not-owned'>;
  /** No further records are read of the assignment; `records` may be called once more with what was read. Harmless when it is paused or revoked. */
  pause(assignment: LogAssignment): void;
  /** Harmless when it is not paused, or revoked. */
  resume(assignment: LogAssignment): void;
  /** Hands all partitions over, and leaves the group: each has been `revoked` when this resolves. Waits for `records` no longer than for `revoked`. Idempotent. */
  close(): Promise<void>;
}

/** One partition of a topic. */
export interface LogPartition {
  readonly partition: number;
  /** Of the oldest record that is left; `end` when there is none. */
  readonly earliest: number;
  /** What the next record gets, or a greater one. */
  readonly end: number;
}

/** A topic as it is. */
export interface LogTopic {
  readonly topicId: string;
  /** How long records are kept; `undefined`: for ever. */
  readonly retentionMs: number | undefined;
  /** In their order, from 0. */
  readonly partitions: readonly LogPartition[];
}

/**
 * The durable log under a cluster's mailboxes: topics of partitions, in each of which records have an order, read by groups of consumers that commit how far they have come.
 *
 * Records of one key stand in one partition, in the order of their `append` calls. Other keys have no order. A record is given at least once to each group: again, when its owner lost the partition before it had committed.
 * @throws {RelayError} from all methods: `store-unavailable` (retryable) when the log can't be reached in time, or refuses this relay by now (credentials, TLS, rights: whoever opens it is told before), `config-invalid` when it has not got a topic that is named
 */
export interface MailLog {
  /**
   * Durable when it resolves: on as many replicas as the topic asks for. Bytes that were passed in are not changed by the caller afterwards.
   *
   * Appends of one key and one fence need not wait for each other: one that fails breaks the fence before any that was called later is sent, and what is behind a broken fence is not kept. Those of several keys do wait.
   * @throws {RelayError} `store-unavailable` when it is not known whether the record was kept: it may be, so append it again and expect it twice; `store-unavailable` too behind a broken fence. `request-too-large` when it never will be
   */
  append(
    topic: string,
    key: Uint8Array,
    value: Uint8Array,
    headers?: LogHeaders,
    fence?: LogFence,
  ): Promise<LogPosition>;
  /** Joins a group. Handlers are called from now on; `assigned` may come before this resolves. */
  consume(options: LogConsumerOptions, handlers: LogHandlers): Promise<LogConsumer>;
  /** What a group has committed in this topic: one position a partition, none for those without a commit. */
  committed(group: string, topic: string): Promise<readonly LogPosition[]>;
  /** Deletes the records of a partition below the position, for all groups. `unknown`: the topic's id is another one (by now), or the partition does not go that far; nothing was deleted. */
  deleteBefore(topic: string, position: LogPosition): Promise<'deleted' | 'unknown'>;
  /** `undefined` when there is no such topic. */
  describe(topic: string): Promise<LogTopic | undefined>;
  /** Waits for appends in flight, and closes what consumers are open. Idempotent; appends afterwards are `store-unavailable`. */
  close(): Promise<void>;
}
