import type { ChatId, GroupId, MessageId, UserId } from './ids.ts';

/** Something on its way out. It is sealed (encrypted) only when it is at the head of the queue and the client is connected. */
export interface OutboxRecord {
  /** Ascending: the order of the queue. */
  readonly id: number;
  /** Names the queue: first in, first out within a chat. */
  readonly chatId: ChatId;
  /** Who gets it; undefined in the queue of a group, where it is for all members. */
  readonly recipient: UserId | undefined;
  /** The group that it is for or, with a recipient, that its content belongs to. At least one of the two is set. */
  readonly groupId: GroupId | undefined;
  readonly messageId: MessageId;
  /** What `content` is: to be encrypted, or the open request to send `messageId` again. */
  readonly kind: 'content' | 'retry-request';
  /** Whether a message of this device's history stands behind it (and changes state with it): false for receipts. */
  readonly visible: boolean;
  /** An encoded RetryRequest; or an encoded Content without what differs by device (recipient device): that is filled in when it is sealed. */
  readonly content: Uint8Array;
  /** Names the `OutboxPartRecord` with the rest of the content; undefined when `content` is all of it. */
  readonly partId: number | undefined;
  readonly createdAt: number;
  /** Counts from 1 when sealed; 0 = not sealed yet. */
  readonly attempt: number;
  /** The sealed attempt: resent as it is, under the same send id, until there is a result. */
  readonly sealed: SealedSend | undefined;
}

/**
 * What several rows of the outbox have in common, kept once.
 *
 * The store removes it with the last row that names it: when a row that names it is deleted, and no other one does.
 */
export interface OutboxPartRecord {
  /** One of the ids of the outbox, given to nothing else. */
  readonly id: number;
  /** An encoded Content with what is the same for all: it follows the `content` of the row. */
  readonly content: Uint8Array;
}

/** A sealed attempt. */
export interface SealedSend {
  /** 16 bytes. */
  readonly sendId: Uint8Array;
  /** An encoded Send without lane and number, which belong to a connection. */
  readonly send: Uint8Array;
  readonly sealedAt: number;
}
