import { uuidToText } from '@sotto/proto';
import { chatWith } from '../chats/chat-state.ts';
import type { Overlay } from '../crypto/overlay.ts';
import { type ContentOrigin, newContent } from '../messages/outgoing-content.ts';
import type { MessageId, UserId } from '../ports/ids.ts';
import type { OutboxRecord } from '../ports/outbox-record.ts';

/** Queues a content that nobody sees: it carries a new session to the other side. */
export function addEmptyContent(
  overlay: Overlay,
  origin: ContentOrigin,
  recipient: UserId,
  replaces: readonly Uint8Array[],
  now: number,
): void {
  const { id, encoded } = newContent(origin, recipient, { replaces: [...replaces] });
  addUnseen(overlay, recipient, { kind: 'content', messageId: uuidToText(id) as MessageId, content: encoded }, now);
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
