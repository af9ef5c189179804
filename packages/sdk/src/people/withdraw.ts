import type { Overlay } from '../crypto/overlay.ts';
import { advances, progressFields } from '../messages/message-state.ts';
import type { OutboxRecord } from '../ports/outbox-record.ts';

/** Takes back what waits for somebody who is blocked: it leaves no more, and a message of the history fails with `blocked`. The caller's operation holds the chat's lock. */
export async function withdrawFromBlocked(
  overlay: Overlay,
  row: Pick<OutboxRecord, 'id' | 'visible' | 'messageId'>,
  now: number,
): Promise<void> {
  overlay.delete('outbox', { id: row.id });
  const message = row.visible ? await overlay.get('message', { id: row.messageId }) : undefined;
  if (message === undefined || !advances(message.state, 'failed')) return;
  overlay.put('message', { ...message, state: 'failed', failure: 'blocked', updatedAt: now }, progressFields);
  overlay.record({ type: 'message.failed', messageId: message.id, chatId: message.chatId, code: 'blocked' });
}
