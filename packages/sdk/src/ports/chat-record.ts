import type { ChatId, DeviceId, GroupId, MessageId, UserId } from './ids.ts';
import type { IdentityPolicy } from './key-records.ts';

/** Where a message stands in the order of this device: by `position`, then `seq`. */
export interface Place {
  readonly position: number;
  readonly seq: number;
}

/** A conversation. Exactly one of `userId` and `groupId` is set. */
export interface ChatRecord {
  readonly id: ChatId;
  readonly userId: UserId | undefined;
  readonly groupId: GroupId | undefined;
  /** Whether this user wrote to it or asked for it: strangers get no receipts. */
  readonly accepted: boolean;
  /** What a new identity key of the other person does here; as the client says when undefined. */
  readonly identityPolicy: IdentityPolicy | undefined;
  /** Until when nothing of it is to disturb, by this device's clock; `Number.MAX_SAFE_INTEGER` = for ever. */
  readonly mutedUntil: number | undefined;
  /** Whether reading is told here; as the client says when undefined. */
  readonly receipts: boolean | undefined;
  /** The seq of the next message written here on this device; counts from 1. */
  readonly nextSeq: number;
  /** The highest position in it: what the list is sorted by. Unique over all chats. */
  readonly activity: number;
  readonly lastMessageId: MessageId | undefined;
  readonly unread: number;
  /** Everything up to here was read. */
  readonly readUpTo: Place;
  readonly createdAt: number;
  readonly updatedAt: number;
}

/** Numbers that were not seen, both ends included. */
export interface SeqGap {
  readonly from: number;
  readonly to: number;
  /** The position of the message that came next: where a late one is put (its lower seq sorts it before). */
  readonly position: number;
}

/** What came from one device of somebody in one chat. */
export interface StreamRecord {
  readonly chatId: ChatId;
  readonly userId: UserId;
  readonly deviceId: DeviceId;
  /** The highest seq seen. */
  readonly highest: number;
  /** Ascending, at most 64; older ones are forgotten first. */
  readonly gaps: readonly SeqGap[];
}
