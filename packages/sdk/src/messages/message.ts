import type { ChatId, DeviceId, GroupId, MessageId, UserId } from '../ports/ids.ts';
import type { MessageRecord, MessageState } from '../ports/message-record.ts';
import { cursorOf } from './place-cursor.ts';

/** A message of the history. */
export interface Message {
  readonly id: MessageId;
  readonly chatId: ChatId;
  /** The group that it was written to; undefined when it was written to one person. */
  readonly groupId: GroupId | undefined;
  readonly senderId: UserId;
  readonly senderDevice: DeviceId;
  /** Whether this account wrote it. */
  readonly outgoing: boolean;
  /** `unknown`: a kind that a newer version will show. */
  readonly kind: 'text' | 'unknown';
  readonly text: string;
  /**
   * Own: `queued` (not with the relay yet) < `sent` < `expired` (the relay deleted it undelivered) < `delivered` < `read`; or `failed`. In a group: what all others have reached; `progress` says how many.
   * Others': `received`, then `seen` once it was marked as read here.
   */
  readonly state: MessageState;
  /** It came after a later one of the same device, and stands in its place. */
  readonly late: boolean;
  /** Counts per sender device and chat, from 1. */
  readonly seq: number;
  /** By the sender's clock, milliseconds since the Unix epoch: for display, not for order. */
  readonly sentAt: number;
  /** By the relay's clock; undefined while queued. */
  readonly acceptedAt: number | undefined;
  readonly expiresAt: number | undefined;
  /** With `failed`: why, the code of its `message.failed`; undefined for what failed under an earlier version. */
  readonly failure: string | undefined;
  /** Where it stands in its chat: `history({ before: cursor })` gives what came before it. */
  readonly cursor: string;
}

/** A record as users see it. */
export function toMessage(record: MessageRecord): Message {
  return {
    id: record.id,
    chatId: record.chatId,
    groupId: record.groupId,
    senderId: record.senderId,
    senderDevice: record.senderDevice,
    // Not by the sender's id: after a new registration the account has another one, and its old messages are still its own.
    outgoing: record.state !== 'received' && record.state !== 'seen',
    kind: record.unknownContent === undefined ? 'text' : 'unknown',
    text: record.text,
    state: record.state,
    late: record.late,
    seq: record.seq,
    sentAt: record.createdAt,
    acceptedAt: record.acceptedAt,
    expiresAt: record.expiresAt,
    failure: record.failure,
    cursor: cursorOf(record),
  };
}
