import { chatWith } from '../chats/chat-state.ts';
import type { Overlay } from '../crypto/overlay.ts';
import { largestReceipt } from '../messages/apply-receipt.ts';
import type { UserId } from '../ports/ids.ts';
import type { MessageRecord } from '../ports/message-record.ts';
import type { StoreQueries } from '../ports/store.ts';
import type { ReceiptQueue } from './receipt-queue.ts';

/** Of older messages nothing is told any more: their author has forgotten to wait. */
const overdueFor = 30 * 24 * 3_600_000;

/**
 * Queues receipts for the latest 256 messages of somebody, as far as they have come: those of one who was a stranger until now, or whose receipts were lost. What waits in a row that is being filled is not said twice.
 *
 * The caller's operation holds the chat's lock.
 */
export async function addOverdueReceipts(
  overlay: Overlay,
  { store, receipts }: { readonly store: StoreQueries; readonly receipts: ReceiptQueue },
  author: UserId,
  now: number,
): Promise<void> {
  const found = await store.messages({ chatId: chatWith(author), limit: largestReceipt, before: undefined });
  const incoming = found.filter(({ senderId, updatedAt }) => senderId === author && updatedAt > now - overdueFor);
  // The store does not know what an operation before this one in the batch has marked.
  const current = await Promise.all(incoming.map(({ id }) => overlay.get('message', { id })));
  const ids = (state: MessageRecord['state']) => current.flatMap((one) => (one?.state === state ? [one.id] : []));
  await receipts.addAgain(overlay, author, 'delivered', ids('received'), now);
  await receipts.addAgain(overlay, author, 'read', ids('seen'), now);
}
