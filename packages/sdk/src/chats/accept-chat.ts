import type { Overlay } from '../crypto/overlay.ts';
import type { ContentOrigin } from '../messages/outgoing-content.ts';
import { addOverdueReceipts } from '../outbox/overdue-receipts.ts';
import type { ReceiptQueue } from '../outbox/receipt-queue.ts';
import type { UserId } from '../ports/ids.ts';
import type { StoreQueries } from '../ports/store.ts';
import { syncOfChat, tellSiblings } from '../sync/own-sync.ts';
import { openChat } from './chat-state.ts';

/**
 * Lets the chat with a person be as one that this user began: receipts are sent, also for what came before. The caller's operation holds the chat's lock.
 * @returns whether it was not so before: then receipts may wait in the outbox, and a word for the own other devices (`ownQueue`)
 */
export async function acceptChat(
  overlay: Overlay,
  parts: { readonly store: StoreQueries; readonly receipts: ReceiptQueue; readonly origin: () => ContentOrigin },
  userId: UserId,
  now: number,
): Promise<boolean> {
  const chat = await openChat(overlay, userId, now);
  if (chat.accepted) return false;
  const accepted = { ...chat, accepted: true };
  overlay.put('chat', accepted);
  overlay.record({ type: 'chat.changed', chatId: chat.id });
  await addOverdueReceipts(overlay, parts, userId, now);
  await tellSiblings(overlay, parts.origin, { chat: syncOfChat(accepted) }, now);
  return true;
}
