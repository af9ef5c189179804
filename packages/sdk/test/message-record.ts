import type { MessageRecord } from '../src/ports/message-record.ts';
import { chatIdOf, messageIdOf, userIdOf } from './numbered-uuid.ts';

/** A message of the history, with what the test says of it. */
export function messageRecord(fields: Partial<MessageRecord> = {}): MessageRecord {
  return {
    id: messageIdOf(1),
    nonce: new Uint8Array(16),
    chatId: chatIdOf(2),
    senderId: userIdOf(1),
    senderDevice: 1 as MessageRecord['senderDevice'],
    receiverId: userIdOf(2),
    groupId: undefined,
    hasFiles: false,
    text: 'hello',
    unknownContent: undefined,
    seq: 1,
    position: 1,
    late: false,
    state: 'queued',
    createdAt: 0,
    updatedAt: 0,
    acceptedAt: undefined,
    expiresAt: undefined,
    recipients: undefined,
    revision: undefined,
    failure: undefined,
    ...fields,
  };
}
