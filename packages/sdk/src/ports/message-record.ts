import type { ChatId, DeviceId, GroupId, MessageId, UserId } from './ids.ts';

/**
 * Own messages: `queued` < `sent` < `expired` < `delivered` < `read`, or `failed`; in a group, what all recipients have reached. Others': `received`, then `seen`.
 */
export type MessageState = 'queued' | 'sent' | 'expired' | 'delivered' | 'read' | 'failed' | 'received' | 'seen';

/** A message (the study's table `message`). Exactly one of `receiverId` and `groupId` is set. It has a text, or files, or is of a kind unknown yet. */
export interface MessageRecord {
  readonly id: MessageId;
  /** 16 bytes: makes `id` with the sender. */
  readonly nonce: Uint8Array;
  readonly chatId: ChatId;
  readonly senderId: UserId;
  readonly senderDevice: DeviceId;
  readonly receiverId: UserId | undefined;
  readonly groupId: GroupId | undefined;
  readonly hasFiles: boolean;
  /** Empty for a kind that this version does not know. */
  readonly text: string;
  /** An encoded Content, kept for a kind that this version does not know. */
  readonly unknownContent: Uint8Array | undefined;
  /** Per sender device and chat, from 1. */
  readonly seq: number;
  readonly position: number;
  /** It came after a later one of the same sender device, and was put in its place. */
  readonly late: boolean;
  readonly state: MessageState;
  /** By the sender's clock. */
  readonly createdAt: number;
  /** When this record last changed, by this device's clock. */
  readonly updatedAt: number;
  /** By the relay's clock. */
  readonly acceptedAt: number | undefined;
  readonly expiresAt: number | undefined;
  /** Of an own message to a group: how many other people were members when it was sealed. */
  readonly recipients: number | undefined;
  /** Of an own message to a group: the revision under which it was sealed. Whoever came later is given it by nobody. */
  readonly revision: number | undefined;
  /** Why it is `failed`: a SottoErrorCode, or the relay's own. */
  readonly failure: string | undefined;
}

/** How far one recipient is with an own message. */
export interface ReceiptRecord {
  readonly messageId: MessageId;
  readonly userId: UserId;
  readonly state: 'sent' | 'expired' | 'delivered' | 'read';
  readonly at: number;
}
