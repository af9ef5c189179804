import { type ContentFields, uuidToText } from '@sotto/proto';
import { chatWith } from '../chats/chat-state.ts';
import type { Overlay } from '../crypto/overlay.ts';
import { type ContentOrigin, newContent } from '../messages/outgoing-content.ts';
import type { MessageId, UserId } from '../ports/ids.ts';
import type { OutboxRecord } from '../ports/outbox-record.ts';

/** Queues what no message of the history stands behind, in the caller's operation, which holds the chat's lock. */
export function addHiddenRow(
  overlay: Overlay,
  recipient: UserId,
  what: Pick<OutboxRecord, 'kind' | 'messageId' | 'content'>,
  now: number,
): OutboxRecord {
  const row: OutboxRecord = {
    id: overlay.nextOutboxId(),
    chatId: chatWith(recipient),
    recipient,
    visible: false,
    createdAt: now,
    attempt: 0,
    sealed: undefined,
    ...what,
  };
  overlay.put('outbox', row);
  return row;
}

/** As `addHiddenRow`, with a new content of these fields. */
export function addHiddenContent(
  overlay: Overlay,
  origin: ContentOrigin,
  recipient: UserId,
  fields: ContentFields,
  now: number,
): OutboxRecord {
  const { id, encoded } = newContent(origin, recipient, fields);
  const messageId = uuidToText(id) as MessageId;
  return addHiddenRow(overlay, recipient, { kind: 'content', messageId, content: encoded }, now);
}
