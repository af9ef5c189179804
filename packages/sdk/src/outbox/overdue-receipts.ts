import { chatOfGroup, chatWith } from '../chats/chat-state.ts';
import type { Overlay } from '../crypto/overlay.ts';
import { stateOf } from '../groups/stored-group.ts';
import { largestReceipt } from '../messages/apply-receipt.ts';
import { mostReceipted } from '../messages/group-receipts.ts';
import type { ChatRecord } from '../ports/chat-record.ts';
import type { GroupId, MessageId, UserId } from '../ports/ids.ts';
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

/**
 * Queues receipts for the latest 256 messages of a group that was a request until now, to each of their authors; nothing where so many are in it that nobody is told by itself.
 *
 * The caller's operation holds the lock of the group's chat, and needs not hold those of the authors.
 * @returns to whom receipts wait now
 */
export async function addOverdueInGroup(
  overlay: Overlay,
  { store, receipts }: { readonly store: StoreQueries; readonly receipts: ReceiptQueue },
  groupId: GroupId,
  now: number,
): Promise<readonly UserId[]> {
  const group = await overlay.get('group', { id: groupId });
  const members = group && stateOf(group)?.members.length;
  if (members === undefined || members - 1 > mostReceipted) return [];
  const chatId = chatOfGroup(groupId);
  const found = await store.messages({ chatId, limit: largestReceipt, before: undefined });
  const recent = found.filter(({ updatedAt }) => updatedAt > now - overdueFor);
  const current = await Promise.all(recent.map(({ id }) => overlay.get('message', { id })));
  const told = new Set<UserId>();
  // Own messages are in neither state.
  for (const [state, says] of [['received', 'delivered'] as const, ['seen', 'read'] as const]) {
    const idsBy = new Map<UserId, MessageId[]>();
    for (const one of current) {
      if (one?.state === state) idsBy.set(one.senderId, [...(idsBy.get(one.senderId) ?? []), one.id]);
    }
    for (const [author, ids] of idsBy) {
      if (await receipts.addApart(overlay, author, says, ids, now, chatId)) told.add(author);
    }
  }
  return [...told];
}

/**
 * Queues receipts for what came to chats, of people or groups, that were requests until now.
 *
 * The caller's operation holds the locks of these chats.
 * @returns to whom receipts may wait now
 */
export async function addOverdueIn(
  overlay: Overlay,
  parts: { readonly store: StoreQueries; readonly receipts: ReceiptQueue },
  chats: readonly ChatRecord[],
  now: number,
): Promise<readonly UserId[]> {
  const told: UserId[] = [];
  for (const { userId, groupId } of chats) {
    if (groupId !== undefined) told.push(...(await addOverdueInGroup(overlay, parts, groupId, now)));
    if (userId === undefined) continue;
    await addOverdueReceipts(overlay, parts, userId, now);
    told.push(userId);
  }
  return told;
}
