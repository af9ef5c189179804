import { Content } from '@sotto/proto';
import type { Overlay } from '../crypto/overlay.ts';
import { advances, progressFields } from '../messages/message-state.ts';
import { wholeContent } from '../outbox/hidden-row.ts';
import type { OutboxRecord } from '../ports/outbox-record.ts';
import { isForBlocked } from './blocked.ts';

/**
 * Whether a row leaves though its recipient is blocked: it belongs to a group that both are in, or what it says serves one.
 *
 * Keys and pokes of groups stand in the queue of the chat like what belongs to the chat itself: their content alone tells them apart. A row of whose content a part is missing does not.
 */
export async function leavesForBlocked(
  overlay: Pick<Overlay, 'get'>,
  row: Pick<OutboxRecord, 'groupId' | 'kind' | 'visible' | 'content' | 'partId'>,
): Promise<boolean> {
  if (row.groupId !== undefined) return true;
  if (row.kind !== 'content' || row.visible) return false;
  const { partId } = row;
  if (partId !== undefined && (await overlay.get('outboxPart', { id: partId })) === undefined) return false;
  return isForBlocked(Content.decode(await wholeContent(overlay, row)));
}

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
