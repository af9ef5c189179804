import { Content, ReceiptKind, uuidToBytes, uuidToText } from '@sotto/proto';
import { chatWith } from '../chats/chat-state.ts';
import type { Overlay } from '../crypto/overlay.ts';
import { largestReceipt } from '../messages/apply-receipt.ts';
import { type ContentOrigin, newContent } from '../messages/outgoing-content.ts';
import type { ChatId, MessageId, UserId } from '../ports/ids.ts';
import type { OutboxRecord } from '../ports/outbox-record.ts';

/** What a receipt says. */
export type ReceiptSays = 'delivered' | 'read';

/** Puts receipts into the outbox: many ids to one person become one message, as long as it was not sealed. */
export class ReceiptQueue {
  private readonly origin: () => ContentOrigin;
  /** The latest receipt row by chat and kind: it may be sealed or gone by now. */
  private readonly latest = new Map<string, number>();

  constructor(origin: () => ContentOrigin) {
    this.origin = origin;
  }

  /** Queues receipts in the caller's operation, which holds the chat's lock; whether anything was queued. */
  async add(
    overlay: Overlay,
    author: UserId,
    says: ReceiptSays,
    messageIds: readonly MessageId[],
    now: number,
  ): Promise<boolean> {
    if (!this.origin().returnsReceipts || messageIds.length === 0) return false;
    const chatId = chatWith(author);
    let left = messageIds.map(uuidToBytes);
    const open = await this.openRow(overlay, chatId, says);
    if (open !== undefined) {
      const room = largestReceipt - open.ids.length;
      const ids = [...open.ids, ...left.slice(0, room)];
      overlay.put('outbox', {
        ...open.row,
        content: Content.encode({ ...open.content, receipt: receiptOf(says, ids, now) }),
      });
      left = left.slice(room);
    }
    for (; left.length > 0; left = left.slice(largestReceipt)) {
      this.addRow(overlay, chatId, author, says, left.slice(0, largestReceipt), now);
    }
    return true;
  }

  private async openRow(overlay: Overlay, chatId: ChatId, says: ReceiptSays) {
    const id = this.latest.get(`${says}:${chatId}`);
    const row = id === undefined ? undefined : await overlay.get('outbox', { id });
    if (row === undefined || row.sealed !== undefined || row.attempt > 0) return undefined;
    const content = Content.decode(row.content);
    const ids = content.receipt?.messageIds ?? [];
    return ids.length < largestReceipt ? { row, content, ids } : undefined;
  }

  private addRow(
    overlay: Overlay,
    chatId: ChatId,
    author: UserId,
    says: ReceiptSays,
    ids: readonly Uint8Array[],
    now: number,
  ): void {
    const made = newContent(this.origin(), author, { receipt: receiptOf(says, ids, now) });
    const row: OutboxRecord = {
      id: overlay.nextOutboxId(),
      chatId,
      recipient: author,
      messageId: uuidToText(made.id) as MessageId,
      visible: false,
      content: made.encoded,
      createdAt: now,
      attempt: 0,
      sealed: undefined,
    };
    overlay.put('outbox', row);
    this.latest.set(`${says}:${chatId}`, row.id);
  }
}

function receiptOf(says: ReceiptSays, ids: readonly Uint8Array[], at: number) {
  const kind = says === 'read' ? ReceiptKind.RECEIPT_KIND_READ : ReceiptKind.RECEIPT_KIND_DELIVERED;
  return { kind, messageIds: [...ids], at };
}
