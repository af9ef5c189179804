import { uuidToText } from '@sotto/proto';
import { chatWith } from '../chats/chat-state.ts';
import type { Overlay } from '../crypto/overlay.ts';
import { type ContentOrigin, newContent } from '../messages/outgoing-content.ts';
import type { MessageId, UserId } from '../ports/ids.ts';
import type { OutboxRecord } from '../ports/outbox-record.ts';

/** The most messages that one content stands for. */
export const mostReplaced = 256;

/** Queues a content that nobody sees, and gives its id: it carries a new session to the other side. */
export function addEmptyContent(
  overlay: Overlay,
  origin: ContentOrigin,
  recipient: UserId,
  replaces: readonly Uint8Array[],
  now: number,
): MessageId {
  const { id, encoded } = newContent(origin, recipient, { replaces: [...replaces] });
  const messageId = uuidToText(id) as MessageId;
  addUnseen(overlay, recipient, { kind: 'content', messageId, content: encoded }, now);
  return messageId;
}

/** Queues what no message of the history stands behind. */
export function addUnseen(
  overlay: Overlay,
  recipient: UserId,
  what: Pick<OutboxRecord, 'kind' | 'messageId' | 'content'>,
  now: number,
): void {
  overlay.put('outbox', {
    id: overlay.nextOutboxId(),
    chatId: chatWith(recipient),
    recipient,
    visible: false,
    createdAt: now,
    attempt: 0,
    sealed: undefined,
    ...what,
  });
}
