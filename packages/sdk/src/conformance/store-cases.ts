import type { Change } from '../ports/changes.ts';
import type { ChatRecord } from '../ports/chat-record.ts';
import type { CursorRecord } from '../ports/event-records.ts';
import type { ChatId, DeviceId, MessageId, UserId } from '../ports/ids.ts';
import type { MessageRecord } from '../ports/message-record.ts';
import type { OutboxRecord } from '../ports/outbox-record.ts';

function uuid(number: number): string {
  return `00000000-0000-4000-8000-${number.toString(16).padStart(12, '0')}`;
}

export const me = uuid(1) as UserId;
export const peer = uuid(2) as UserId;
export const chatId = uuid(2) as ChatId;

/** The id of the chat number `number`. */
export function chatIdOf(number: number): ChatId {
  return uuid(0x1000 + number) as ChatId;
}

/** The id of the message number `number`. */
export function messageIdOf(number: number): MessageId {
  return uuid(0x2000 + number) as MessageId;
}

/** A received message; `number` makes its id, seq and position. */
export function message(number: number, fields: Partial<MessageRecord> = {}): MessageRecord {
  return {
    id: messageIdOf(number),
    nonce: new Uint8Array(16),
    chatId,
    senderId: peer,
    senderDevice: 1 as DeviceId,
    receiverId: me,
    groupId: undefined,
    hasFiles: false,
    text: `message ${number}`,
    unknownContent: undefined,
    seq: number,
    position: number,
    late: false,
    state: 'received',
    createdAt: number,
    updatedAt: number,
    acceptedAt: undefined,
    expiresAt: undefined,
    recipients: undefined,
    revision: undefined,
    failure: undefined,
    ...fields,
  };
}

/** A chat with the peer number `number`. */
export function chat(number: number, fields: Partial<ChatRecord> = {}): ChatRecord {
  return {
    id: chatIdOf(number),
    userId: uuid(0x1000 + number) as UserId,
    groupId: undefined,
    accepted: true,
    identityPolicy: undefined,
    mutedUntil: undefined,
    receipts: undefined,
    nextSeq: 1,
    activity: number,
    lastMessageId: undefined,
    unread: 0,
    readUpTo: { position: 0, seq: 0 },
    createdAt: 1,
    updatedAt: 1,
    ...fields,
  };
}

/** Something on its way out. */
export function outboxItem(id: number, fields: Partial<OutboxRecord> = {}): OutboxRecord {
  return {
    id,
    chatId,
    recipient: peer,
    groupId: undefined,
    messageId: messageIdOf(id),
    kind: 'content',
    visible: true,
    content: Uint8Array.of(1),
    partId: undefined,
    createdAt: 1,
    attempt: 0,
    sealed: undefined,
    ...fields,
  };
}

/** The change that puts a message. */
export function putMessage(record: MessageRecord): Change {
  return { type: 'put', kind: 'message', record };
}

/** How far a consumer is. */
export function cursorRecord(name: string, changeSeq: number): CursorRecord {
  return { name, changeSeq, usedAt: 1, expired: false };
}

/** The change that sets how far a consumer is: the smallest change there is. */
export function putCursor(name: string, changeSeq: number): Change {
  return { type: 'put', kind: 'cursor', record: cursorRecord(name, changeSeq) };
}
