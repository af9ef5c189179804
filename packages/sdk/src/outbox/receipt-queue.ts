import { Content, type ContentFields, ReceiptKind, uuidToBytes, uuidToText } from '@sotto/proto';
import { hasEnded } from '../accounts/standing.ts';
import { givesReceipts } from '../chats/chat-settings.ts';
import { chatWith } from '../chats/chat-state.ts';
import type { Overlay } from '../crypto/overlay.ts';
import { largestReceipt } from '../messages/apply-receipt.ts';
import type { ContentOrigin } from '../messages/outgoing-content.ts';
import { hasBlocked } from '../people/blocked.ts';
import type { ChatId, MessageId, UserId } from '../ports/ids.ts';
import type { OutboxRecord } from '../ports/outbox-record.ts';
import { addHiddenContent } from './hidden-row.ts';

/** What a receipt says. */
export type ReceiptSays = 'delivered' | 'read';

/** Puts receipts into the outbox: many ids to one person become one message, as long as it was not sealed. */
export class ReceiptQueue {
  private readonly origin: () => ContentOrigin;
  /** The latest receipt row by chat and kind: it may be sealed or gone by now. */
  private readonly latest = new Map<string, number>();
  /** What stands in rows that this queue made. */
  private readonly open = new WeakMap<OutboxRecord, OpenReceipt>();

  constructor(origin: () => ContentOrigin) {
    this.origin = origin;
  }

  /**
   * Queues receipts in the caller's operation, which holds the chat's lock; whether anything was queued: not to people who are blocked, nor where receipts are off.
   * @param of the chat of the messages: it may say whether receipts are given
   */
  async add(
    overlay: Overlay,
    author: UserId,
    says: ReceiptSays,
    messageIds: readonly MessageId[],
    now: number,
    of: ChatId = chatWith(author),
  ): Promise<boolean> {
    if (messageIds.length === 0 || !(await this.isTold(overlay, author, of))) return false;
    const chatId = chatWith(author);
    let left = messageIds.map(uuidToBytes);
    const open = await this.openRow(overlay, chatId, says);
    if (open !== undefined) {
      const room = largestReceipt - open.ids.length;
      const ids = [...open.ids, ...left.slice(0, room)];
      this.putRow(overlay, open.row, { content: { ...open.content, receipt: receiptOf(says, ids, now) }, ids });
      left = left.slice(room);
    }
    for (; left.length > 0; left = left.slice(largestReceipt)) {
      this.addRow(overlay, author, says, left.slice(0, largestReceipt), now);
    }
    return true;
  }

  /** As `add`, without ids that stand already in the row which is being filled. What is sealed, or full, is not looked at: a receipt that comes twice is harmless. */
  async addAgain(
    overlay: Overlay,
    author: UserId,
    says: ReceiptSays,
    messageIds: readonly MessageId[],
    now: number,
  ): Promise<boolean> {
    const open = await this.openRow(overlay, chatWith(author), says);
    const waiting = new Set(open?.ids.map((id) => uuidToText(id)));
    const missing = messageIds.filter((id) => !waiting.has(id));
    return this.add(overlay, author, says, missing, now);
  }

  /** As `add`, in rows of its own: the caller needs not hold the lock of the author's chat. */
  async addApart(
    overlay: Overlay,
    author: UserId,
    says: ReceiptSays,
    messageIds: readonly MessageId[],
    now: number,
    of: ChatId,
  ): Promise<boolean> {
    if (messageIds.length === 0 || !(await this.isTold(overlay, author, of))) return false;
    for (let left = messageIds.map(uuidToBytes); left.length > 0; left = left.slice(largestReceipt)) {
      this.addRow(overlay, author, says, left.slice(0, largestReceipt), now);
    }
    return true;
  }

  private async isTold(overlay: Overlay, author: UserId, of: ChatId): Promise<boolean> {
    if ((await hasEnded(overlay)) || (await hasBlocked(overlay, author))) return false;
    return givesReceipts(await overlay.get('chat', { id: of }), this.origin().returnsReceipts);
  }

  private async openRow(overlay: Overlay, chatId: ChatId, says: ReceiptSays) {
    const id = this.latest.get(`${says}:${chatId}`);
    const row = id === undefined ? undefined : await overlay.get('outbox', { id });
    if (row === undefined || row.sealed !== undefined || row.attempt > 0) return undefined;
    const { content, ids } = this.open.get(row) ?? readReceipt(row);
    return ids.length < largestReceipt ? { row, content, ids } : undefined;
  }

  /** Puts a row whose content is encoded when somebody asks for it: of all that a batch adds, a commit writes the last. */
  private putRow(overlay: Overlay, row: Omit<OutboxRecord, 'content'>, receipt: OpenReceipt): void {
    let encoded: Uint8Array | undefined;
    const { id, chatId, recipient, groupId, messageId, kind, visible, partId, createdAt, attempt, sealed } = row;
    const lazy: OutboxRecord = {
      id,
      chatId,
      recipient,
      groupId,
      messageId,
      kind,
      visible,
      partId,
      createdAt,
      attempt,
      sealed,
      get content() {
        encoded ??= Content.encode(receipt.content);
        return encoded;
      },
    };
    this.open.set(lazy, receipt);
    overlay.put('outbox', lazy);
  }

  private addRow(overlay: Overlay, author: UserId, says: ReceiptSays, ids: readonly Uint8Array[], now: number): void {
    const row = addHiddenContent(overlay, this.origin(), author, { receipt: receiptOf(says, ids, now) }, now);
    this.latest.set(`${says}:${row.chatId}`, row.id);
  }
}

interface OpenReceipt {
  readonly content: ContentFields;
  readonly ids: readonly Uint8Array[];
}

function readReceipt(row: OutboxRecord): OpenReceipt {
  const content = Content.decode(row.content);
  return { content, ids: content.receipt?.messageIds ?? [] };
}

function receiptOf(says: ReceiptSays, ids: readonly Uint8Array[], at: number) {
  const kind = says === 'read' ? ReceiptKind.RECEIPT_KIND_READ : ReceiptKind.RECEIPT_KIND_DELIVERED;
  return { kind, messageIds: [...ids], at };
}
