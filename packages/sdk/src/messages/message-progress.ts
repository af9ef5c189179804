import type { UserId } from '../ports/ids.ts';
import type { MessageRecord, ReceiptRecord } from '../ports/message-record.ts';

/** How far an own message is with those whom it went to. */
export interface MessageProgress {
  /** How many others it is for; 0 as long as it is `queued`. */
  readonly recipients: number;
  /** How many of them have it, on one device at least. */
  readonly delivered: number;
  /** How many of them have read it. */
  readonly read: number;
  /**
   * Who they are: those who have read it, then those who have it, in the order in which that was learnt; in a group at most 1,023. Of all others nothing is known: they may be away, or give no receipts.
   */
  readonly people: readonly RecipientProgress[];
}

/** How far an own message is with one person. */
export interface RecipientProgress {
  readonly userId: UserId;
  readonly state: 'delivered' | 'read';
  /** When this device learnt it, by its clock. */
  readonly at: number;
}

/** Counts what the receipts of a message say, and names who gave them. Somebody who gives no receipts is never counted. */
export function progressOf(message: MessageRecord, receipts: readonly ReceiptRecord[]): MessageProgress {
  const queued = message.state === 'queued' || message.state === 'failed';
  const recipients = message.recipients ?? (queued || message.receiverId === undefined ? 0 : 1);
  const told = receipts
    .flatMap(({ userId, state, at }) => (state === 'read' || state === 'delivered' ? [{ userId, state, at }] : []))
    .sort((one, other) => one.at - other.at);
  const readers = told.filter(({ state }) => state === 'read');
  const people = [...readers, ...told.filter(({ state }) => state === 'delivered')];
  return {
    recipients: Math.max(recipients, people.length),
    delivered: people.length,
    read: readers.length,
    people,
  };
}
