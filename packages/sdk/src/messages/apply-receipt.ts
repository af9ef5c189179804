import { ReceiptKind, uuidToText } from '@sotto/proto';
import { Hold } from '../crypto/hold.ts';
import { secretDelivered } from '../ephemeral/ephemeral-secrets.ts';
import type { MessageId } from '../ports/ids.ts';
import { noteEarlyReceipt } from '../sync/early-receipt.ts';
import { type Applied, type Arrival, nothingDue } from './arrival.ts';
import { receiptInGroup } from './group-receipts.ts';
import { advanced, progressFields } from './message-state.ts';

/** The most ids of one receipt. */
export const largestReceipt = 256;

/** Applies a receipt: own messages to its sender go up. Ids that are not of such messages are passed over. */
export async function applyReceipt(arrival: Arrival): Promise<Applied> {
  const { overlay, account, sender, content, now } = arrival;
  const receipt = content.receipt;
  const ids = receipt?.messageIds ?? [];
  if (ids.length === 0 || ids.length > largestReceipt || ids.some((id) => id.length !== 16)) {
    throw new Hold('content-invalid');
  }
  const state = stateOf(receipt?.kind);
  let highest = 0;
  for (const id of ids) {
    const messageId = uuidToText(id) as MessageId;
    const message = await overlay.get('message', { id: messageId });
    if (message?.groupId !== undefined && message.senderId === account.userId) {
      await receiptInGroup(arrival, message, state);
      continue;
    }
    if (message === undefined) {
      await noteEarlyReceipt(overlay, arrival.origin, { messageId, userId: sender.userId, says: state }, now);
      continue;
    }
    if (message.senderId !== account.userId || message.receiverId !== sender.userId) continue;
    if (message.senderDevice === account.deviceId) highest = Math.max(highest, message.position);
    const news = advanced(message, state, now);
    if (news === undefined) continue;
    overlay.put('message', news.message, progressFields);
    overlay.put('receipt', news.receipt);
    overlay.record({
      type: state === 'read' ? 'message.read' : 'message.delivered',
      messageId,
      chatId: message.chatId,
      userId: sender.userId,
      at: now,
    });
  }
  await secretDelivered(overlay, sender.userId, account.deviceId, highest);
  return nothingDue;
}

/** A kind that this version does not know is held: a later one may know it. */
function stateOf(kind: ReceiptKind | null | undefined): 'delivered' | 'read' {
  if (kind === ReceiptKind.RECEIPT_KIND_DELIVERED) return 'delivered';
  if (kind === ReceiptKind.RECEIPT_KIND_READ) return 'read';
  throw new Hold('content-invalid');
}
