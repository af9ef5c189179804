import { uuidToBytes } from '@sotto/proto';
import { chatWith } from '../chats/chat-state.ts';
import type { Overlay } from '../crypto/overlay.ts';
import { Ratchet } from '../crypto/ratchet.ts';
import { listedDevices } from '../devices/accepted-list.ts';
import { type ContentOrigin, newContent } from '../messages/outgoing-content.ts';
import { addCopyForMember } from '../outbox/hidden-row.ts';
import { addOverdueReceipts } from '../outbox/overdue-receipts.ts';
import type { ReceiptQueue } from '../outbox/receipt-queue.ts';
import { hasBlocked } from '../people/blocked.ts';
import type { DeviceAddress, MessageId } from '../ports/ids.ts';
import type { MessageRecord } from '../ports/message-record.ts';
import type { StoreQueries } from '../ports/store.ts';
import { addEmptyContent } from './empty-content.ts';
import { type BothClocks, forgetGiven, isKeyQueued, wasSentToMember } from './member-request.ts';
import { spendRepair } from './repair-budget.ts';
import type { ReadRetryRequest } from './retry-request.ts';

/** How often a message is sent again to a device that asks for it. */
export const mostResends = 3;

/** How long a message is sent again for: as long as the relay keeps mail. */
export const resentFor = 30 * 24 * 3_600_000;

/**
 * The most that one answer says will not come: what is asked for, and what that stood for.
 *
 * A chain gets longer when an answer is lost, too: with the session that it came on, which the next request ends. So it has two or three links. Of one that is longer than this the oldest are left out: they were asked for, and answered, by themselves.
 */
export const longestChain = 8;

/** What became of a request; for those that were refused why, for logs and tests. */
export type RetryAnswer =
  | 'resent'
  | 'replaced'
  | 'not-for-this-device'
  | 'blocked'
  | 'unknown-device'
  | 'identity-not-trusted'
  | 'not-sent-to-them'
  | 'key-on-its-way'
  | 'too-old'
  | 'too-often';

/** Answers requests to send something again. Nothing in a request is proven, so it can cause only what its limits allow. */
export class RetryAnswerer {
  private readonly store: StoreQueries;
  private readonly receipts: ReceiptQueue;
  private readonly origin: () => ContentOrigin;

  constructor(parts: {
    readonly store: StoreQueries;
    readonly receipts: ReceiptQueue;
    readonly origin: () => ContentOrigin;
  }) {
    this.store = parts.store;
    this.receipts = parts.receipts;
    this.origin = parts.origin;
  }

  /** Answers one request in the caller's operation, which holds the peer's and the chat's lock. What is refused changes nothing. */
  async answer(
    overlay: Overlay,
    device: DeviceAddress,
    request: ReadRetryRequest,
    clocks: BothClocks,
  ): Promise<RetryAnswer> {
    const { now } = clocks;
    const origin = this.origin();
    const { account } = origin;
    if (request.deviceId !== account.deviceId) return 'not-for-this-device';
    if (await hasBlocked(overlay, device.userId)) return 'blocked';
    const list = await overlay.get('deviceList', { userId: device.userId });
    const isListed = list && listedDevices(list).some(({ deviceId }) => deviceId === device.deviceId);
    if (!isListed) return 'unknown-device';
    const identity = await overlay.get('identity', { userId: device.userId });
    if (identity === undefined || identity.pending !== undefined) return 'identity-not-trusted';
    const key = { messageId: request.messageId, userId: device.userId, deviceId: device.deviceId };
    const resend = await overlay.get('resend', key);
    const count = resend?.count ?? 0;
    if (count >= mostResends) return 'too-often';
    const message = await overlay.get('message', { id: request.messageId });
    if (message !== undefined) {
      const changedAt = list.begunAnew ? identity.changedAt : undefined;
      const refusal = await refusalOf(overlay, message, changedAt, origin, device, now);
      if (refusal !== undefined) return refusal;
      // Once, and what failed on a session is something else.
      const isFirst = request.number <= 1 && request.ratchetKey === undefined;
      if (isFirst && (await isKeyQueued(overlay, this.store, message, device, clocks))) return 'key-on-its-way';
    }
    const cost = message === undefined ? 'receipts' : 'resends';
    if ((await spendRepair(overlay, device, cost, now)) !== undefined) return 'too-often';
    const replaces = resend?.replaces ?? [];
    const answered = count + 1;
    // The answer has it from here on; it is asked for by this id only while another request for it would be honoured.
    overlay.put('resend', { ...key, count: answered, at: now, replaces: answered < mostResends ? replaces : [] });
    await this.renew(overlay, device, request, now);
    if (message !== undefined) {
      await resendMessage(overlay, origin, message, device, answered, now);
      return 'resent';
    }
    await this.replace(overlay, device, [request.messageId, ...replaces], now);
    return 'replaced';
  }

  /** The session goes when the message failed on the one that would be sent on. */
  private async renew(
    overlay: Overlay,
    device: DeviceAddress,
    { ratchetKey }: ReadRetryRequest,
    now: number,
  ): Promise<void> {
    const ratchet = new Ratchet(this.origin().account, overlay, now);
    if (ratchetKey === undefined || !(await ratchet.isCurrent(device, ratchetKey))) return;
    if ((await spendRepair(overlay, device, 'renewals', now)) === undefined) await ratchet.setAside(device);
  }

  /** They were no messages of the history: a receipt, the key of a chain, something that is gone, or an answer like this one with what it stood for. What receipts would say is said again, and keys go with the next message to each group. */
  private async replace(
    overlay: Overlay,
    device: DeviceAddress,
    asked: readonly MessageId[],
    now: number,
  ): Promise<void> {
    const { userId, deviceId } = device;
    const replaces = asked.slice(0, longestChain);
    const messageId = addEmptyContent(overlay, this.origin(), userId, replaces.map(uuidToBytes), now);
    // Should this one be lost too, then what is asked for is its id.
    overlay.put('resend', { messageId, userId, deviceId, count: 0, at: now, replaces });
    for (const { groupId, leftAt } of await this.store.groupsWith(userId)) {
      if (leftAt === undefined) await forgetGiven(overlay, groupId, device);
    }
    const chat = await overlay.get('chat', { id: chatWith(userId) });
    if (!chat?.accepted) return;
    await addOverdueReceipts(overlay, { store: this.store, receipts: this.receipts }, userId, now);
  }
}

async function refusalOf(
  overlay: Overlay,
  message: MessageRecord,
  changedAt: number | undefined,
  { account }: ContentOrigin,
  device: DeviceAddress,
  now: number,
): Promise<RetryAnswer | undefined> {
  const isOwn = message.senderId === account.userId && message.senderDevice === account.deviceId;
  // One that never left has nothing to be asked for, and one of a kind that can't be made again is none of this version's.
  if (!isOwn || message.state === 'failed' || message.text === '') return 'not-sent-to-them';
  const { groupId } = message;
  const isTheirs =
    groupId === undefined
      ? message.receiverId === device.userId
      : await wasSentToMember(overlay, groupId, message, device.userId);
  if (!isTheirs) return 'not-sent-to-them';
  // By the own clock: when it was accepted is the relay's word, and it could date old messages after a change of the key.
  const { createdAt } = message;
  if (createdAt < now - resentFor) return 'too-old';
  // It was written to whoever had the key before. A revocation changes it, too, but then it is the same person: a device of before is still there.
  return (changedAt ?? 0) > createdAt ? 'identity-not-trusted' : undefined;
}

async function resendMessage(
  overlay: Overlay,
  origin: ContentOrigin,
  message: MessageRecord,
  device: DeviceAddress,
  attempt: number,
  now: number,
): Promise<void> {
  const { userId } = device;
  const { groupId } = message;
  const fields = { seq: message.seq, sentAt: message.createdAt, text: { body: message.text } };
  if (groupId !== undefined) {
    const group = await overlay.get('group', { id: groupId });
    if (group === undefined) return;
    const { encoded: content } = newContent(origin, undefined, { ...fields, groupId: group.wireId }, message.nonce);
    addCopyForMember(overlay, userId, { groupId, messageId: message.id, visible: true, content, attempt }, now);
    await forgetGiven(overlay, groupId, device);
    return;
  }
  const { encoded } = newContent(origin, userId, fields, message.nonce);
  overlay.put('outbox', {
    id: overlay.nextOutboxId(),
    chatId: message.chatId,
    recipient: userId,
    groupId: undefined,
    messageId: message.id,
    kind: 'content',
    visible: true,
    content: encoded,
    partId: undefined,
    createdAt: now,
    attempt,
    sealed: undefined,
  });
}
