import type { SendFields } from '@sotto/proto';
import type { OutboxRecord } from '../ports/outbox-record.ts';
import type { SendOutcome } from './send-outcome.ts';

/** A record of the outbox in the window of its queue. */
export interface QueueEntry {
  readonly queue: ResultTaker;
  record: OutboxRecord;
  /** It was sealed when it was looked at last. */
  isSealed?: boolean;
  /** Rows of other queues that bring what it takes to open it: they are to leave first. */
  keys?: readonly number[];
  /** Its bytes left on this connection, and there is no result yet. */
  inFlight: boolean;
  /** Whom its bytes named when they left last, with the access keys that they showed. */
  recipients?: SendFields['recipients'];
}

/** Where the results of entries go. */
export interface ResultTaker {
  settle(results: readonly EntryResult[]): Promise<void>;
}

/** What became of an entry's send. */
export interface EntryResult {
  readonly entry: QueueEntry;
  readonly outcome: SendOutcome;
}

/** An entry with the bytes that are to leave. */
export interface SealedEntry {
  readonly entry: QueueEntry;
  readonly send: SendFields;
  readonly sendId: Uint8Array;
}

/** Whether two rows go to the same person, or to the same group. */
export function goesWith(one: OutboxRecord, other: OutboxRecord): boolean {
  if (one.recipient !== other.recipient) return false;
  return one.recipient !== undefined || one.groupId === other.groupId;
}
