import type { MessageRecord, ReceiptRecord } from '../ports/message-record.ts';

/** How far an own message is with those whom it went to. */
export interface MessageProgress {
  /** How many others it is for; 0 as long as it is `queued`. */
  readonly recipients: number;
  /** How many of them have it, on one device at least. */
  readonly delivered: number;
  /** How many of them have read it. */
  readonly read: number;
}

/** Counts what the receipts of a message say. Somebody who gives no receipts is never counted. */
export function progressOf(message: MessageRecord, receipts: readonly ReceiptRecord[]): MessageProgress {
  const queued = message.state === 'queued' || message.state === 'failed';
  const recipients = message.recipients ?? (queued || message.receiverId === undefined ? 0 : 1);
  const read = receipts.filter(({ state }) => state === 'read').length;
  const delivered = read + receipts.filter(({ state }) => state === 'delivered').length;
  return { recipients: Math.max(recipients, delivered), delivered, read };
}
