import type { SyncRead } from '@sotto/proto';
import { uuidToText } from '@sotto/proto';
import { chatLock, comparePlaces } from '../chats/chat-state.ts';
import { Hold } from '../crypto/hold.ts';
import { demandLocks } from '../crypto/locks-wanted.ts';
import { type Applied, type Arrival, nothingDue } from '../messages/arrival.ts';
import { progressFields } from '../messages/message-state.ts';
import type { MessageId } from '../ports/ids.ts';
import type { MessageRecord } from '../ports/message-record.ts';

const mostIds = 256;

/** Applies that messages were read on another own device: they are read here, too, and no receipt follows. What is not here is passed over. */
export async function applyRead(arrival: Arrival, { messageIds }: SyncRead): Promise<Applied> {
  const { overlay, locks, now } = arrival;
  if (messageIds.length < 1 || messageIds.length > mostIds || messageIds.some((id) => id.length !== 16)) {
    throw new Hold('content-invalid');
  }
  const found = await Promise.all(messageIds.map((id) => overlay.get('message', { id: uuidToText(id) as MessageId })));
  const unread = found.filter((message) => message?.state === 'received').filter((message) => message !== undefined);
  const byChat = Map.groupBy(unread, ({ chatId }) => chatId);
  demandLocks(locks, [...byChat.keys()].map(chatLock));
  for (const [id, messages] of byChat) {
    for (const message of messages) {
      overlay.put('message', { ...message, state: 'seen', updatedAt: now }, progressFields);
    }
    const chat = await overlay.get('chat', { id });
    if (chat === undefined) continue;
    const last = latestOf(messages);
    const readUpTo = comparePlaces(chat.readUpTo, last) < 0 ? last : chat.readUpTo;
    overlay.put('chat', { ...chat, unread: Math.max(0, chat.unread - messages.length), readUpTo });
    overlay.record({ type: 'chat.read', chatId: id });
  }
  return nothingDue;
}

function latestOf(messages: readonly MessageRecord[]): { readonly position: number; readonly seq: number } {
  const places = messages.map(({ position, seq }) => ({ position, seq }));
  return places.reduce((latest, place) => (comparePlaces(latest, place) < 0 ? place : latest), { position: 0, seq: 0 });
}
