import { uuidToBytes } from '@sotto/proto';
import type { Overlay } from '../crypto/overlay.ts';
import type { ChatRecord, Place } from '../ports/chat-record.ts';
import type { MessageRecord } from '../ports/message-record.ts';
import type { StoreQueries } from '../ports/store.ts';

const page = 256;

/** Where messages are removed: in an operation that is alone, so that the store holds all that came. */
export interface RemovalPlace {
  readonly overlay: Overlay;
  readonly store: Pick<StoreQueries, 'messages'>;
  readonly now: number;
}

/** Removes a chat that is not accepted, with its messages. What the person sends next is a new one. */
export async function removeRequest(place: RemovalPlace, chat: ChatRecord): Promise<void> {
  await removeMessages(place, chat, undefined);
  place.overlay.delete('chat', { id: chat.id });
  if (chat.userId !== undefined) place.overlay.put('declined', { userId: chat.userId, at: place.now });
  place.overlay.record({ type: 'chat.removed', chatId: chat.id });
}

/** Removes the messages before a place, or all; how many of them were unread. */
export async function removeMessages(
  { overlay, store, now }: RemovalPlace,
  { id }: Pick<ChatRecord, 'id'>,
  before: Place | undefined,
): Promise<number> {
  let unread = 0;
  for (let place = before; ; ) {
    const found: readonly MessageRecord[] = await store.messages({ chatId: id, limit: page, before: place });
    for (const message of found) {
      if (message.state === 'received') unread++;
      overlay.delete('message', { id: message.id });
      // Another attempt of it must not come as a new one.
      overlay.put('seen', { key: uuidToBytes(message.id), at: now });
    }
    const last = found.at(-1);
    if (last === undefined) return unread;
    place = last;
  }
}
