import { chatLock } from '../chats/chat-state.ts';
import type { Executor } from '../crypto/executor.ts';
import type { Overlay } from '../crypto/overlay.ts';
import type { Clock } from '../ports/clock.ts';
import type { GroupId } from '../ports/ids.ts';
import type { MessageRecord } from '../ports/message-record.ts';
import type { StoreQueries } from '../ports/store.ts';
import { mostReceipted } from './group-receipts.ts';
import { advanced, progressFields } from './message-state.ts';

/** How long after a message's end its sender waits for a receipt that may be on its way. */
export const graceAfterExpiry = 24 * 3_600_000;

const pageSize = 100;

/** Marks own messages as `expired` that the relay has deleted without a receipt. */
export class Expiry {
  private readonly executor: Executor;
  private readonly store: StoreQueries;
  private readonly clock: Clock;

  constructor(parts: { readonly executor: Executor; readonly store: StoreQueries; readonly clock: Clock }) {
    this.executor = parts.executor;
    this.store = parts.store;
    this.clock = parts.clock;
  }

  /**
   * Marks what ended more than a day before `drainedAt`: the time, by the relay's clock, at which the own mailbox was last seen empty, so that no receipt can be waiting in it.
   *
   * Messages to people who give no receipts stay `sent`, and are not looked at again. A message to a group is `expired` only when none of those who give receipts has it: what some have and others missed is told by its progress. In a group where nobody gives receipts by itself it stays `sent`.
   */
  async mark(drainedAt: number): Promise<void> {
    for (;;) {
      const page = await this.store.expiring('sent', drainedAt - graceAfterExpiry, pageSize);
      await Promise.all(page.map((message) => this.markOne(message)));
      if (page.length < pageSize) return;
    }
  }

  private markOne(found: MessageRecord): Promise<void> {
    return this.executor.run([chatLock(found.chatId)], async (overlay) => {
      const message = await overlay.get('message', { id: found.id });
      if (message?.state !== 'sent') return;
      const now = this.clock.now();
      if (message.receiverId === undefined) {
        await this.markInGroup(overlay, message, now);
        return;
      }
      const receiver = await overlay.get('user', { id: message.receiverId });
      const news = receiver?.returnsReceipts ? advanced(message, 'expired', now) : undefined;
      if (news === undefined) {
        overlay.put('message', { ...message, expiresAt: undefined, updatedAt: now }, progressFields);
        return;
      }
      overlay.put('message', news.message, progressFields);
      overlay.put('receipt', news.receipt);
      overlay.record({
        type: 'message.expired',
        messageId: message.id,
        chatId: message.chatId,
        userId: message.receiverId,
        at: now,
      });
    });
  }

  private async markInGroup(overlay: Overlay, message: MessageRecord, now: number): Promise<void> {
    const { id: messageId, chatId, groupId, revision = 0, recipients = 0 } = message;
    const isMissed =
      groupId !== undefined &&
      recipients > 0 &&
      recipients <= mostReceipted &&
      (await this.store.receipts(messageId)).length === 0 &&
      (await this.hasWitness(overlay, groupId, revision));
    if (!isMissed) {
      overlay.put('message', { ...message, expiresAt: undefined, updatedAt: now }, progressFields);
      return;
    }
    overlay.put('message', { ...message, state: 'expired', updatedAt: now }, progressFields);
    overlay.record({ type: 'message.expired', messageId, chatId, userId: undefined, at: now });
  }

  /** Whether somebody was a member who gives receipts. */
  private async hasWitness(overlay: Overlay, groupId: GroupId, revision: number): Promise<boolean> {
    for (const { userId, joinedAt } of await this.store.groupMembers(groupId)) {
      if (joinedAt > revision) continue;
      if ((await overlay.get('user', { id: userId }))?.returnsReceipts) return true;
    }
    return false;
  }
}
