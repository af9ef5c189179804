import { chatLock } from '../chats/chat-state.ts';
import { demandLocks } from '../crypto/locks-wanted.ts';
import type { MessageRecord, MessageState, ReceiptRecord } from '../ports/message-record.ts';
import type { Arrival } from './arrival.ts';
import { advances, progressFields } from './message-state.ts';

/** In a group with more others than these nobody is told by itself that a message came or was read: everybody would tell everybody. */
export const mostReceipted = 100;

/**
 * Applies what one member says of an own message to a group: how far they are, and how far all of them are by that.
 *
 * Whoever joined after the message was sealed, or had left before, has it from nobody, and says nothing of it.
 */
export async function receiptInGroup(
  { overlay, sender, queries, locks, now }: Arrival,
  message: MessageRecord,
  state: 'delivered' | 'read',
): Promise<void> {
  const { id: messageId, chatId, groupId, revision, recipients } = message;
  if (groupId === undefined || revision === undefined || recipients === undefined) return;
  demandLocks(locks, [chatLock(chatId)]);
  const { userId } = sender;
  const member = await overlay.get('groupMember', { groupId, userId });
  if (member === undefined || member.joinedAt > revision) return;
  if (member.leftAt !== undefined && member.leftAt <= revision) return;
  const known = await overlay.get('receipt', { messageId, userId });
  if (known !== undefined && !advances(known.state, state)) return;
  overlay.put('receipt', { messageId, userId, state, at: now });
  const type = state === 'read' ? 'message.read' : 'message.delivered';
  overlay.record({ type, messageId, chatId, userId, at: now });
  const receipts = new Map((await queries.receipts(messageId)).map((one) => [one.userId, one]));
  for (const one of overlay.pending('receipt')) if (one.messageId === messageId) receipts.set(one.userId, one);
  const reached = reachedByAll(recipients, [...receipts.values()]);
  // Somebody has it, so it went out after all. What had its time with one of them is `expired` until all the others say more.
  const least = message.state === 'failed' ? 'sent' : message.state;
  const next = reached !== undefined && advances(message.state, reached) ? reached : least;
  if (next === message.state) return;
  overlay.put('message', { ...message, state: next, failure: undefined, updatedAt: now }, progressFields);
}

/** What all recipients have reached. */
function reachedByAll(recipients: number, receipts: readonly ReceiptRecord[]): MessageState | undefined {
  const read = receipts.filter(({ state }) => state === 'read').length;
  if (read >= recipients) return 'read';
  const delivered = receipts.filter(({ state }) => state === 'delivered').length;
  return read + delivered >= recipients ? 'delivered' : undefined;
}
