import { isMuted } from '../chats/chat-settings.ts';
import { openChat, openGroupChat, withMessage } from '../chats/chat-state.ts';
import { Hold } from '../crypto/hold.ts';
import type { MessageRecord } from '../ports/message-record.ts';
import { type Applied, type Arrival, nothingDue } from './arrival.ts';
import { admit } from './ordering.ts';
import { isText } from './text.ts';

/** Applies a text: it becomes a message of the history. */
export async function applyText(arrival: Arrival): Promise<Applied> {
  const body = arrival.content.text?.body ?? '';
  if (!isText(body)) throw new Hold('content-invalid');
  return addToHistory(arrival, { text: body, unknownContent: undefined });
}

/** Keeps what a later version will know how to show. Kinds that nobody sees (seq 0) are passed over. */
export async function applyUnknown(arrival: Arrival): Promise<Applied> {
  if (arrival.content.seq === 0) return nothingDue;
  return addToHistory(arrival, { text: '', unknownContent: arrival.encoded.slice() });
}

async function addToHistory(arrival: Arrival, what: Pick<MessageRecord, 'text' | 'unknownContent'>): Promise<Applied> {
  const { overlay, account, sender, messageId, envelope, content, newIdentity, group, now } = arrival;
  if (content.seq === 0) throw new Hold('content-invalid');
  if ((await overlay.get('message', { id: messageId })) !== undefined) return nothingDue;
  // Another attempt of what was removed with its request.
  if (envelope.attempt > 1 && (await overlay.get('seen', { key: content.messageId })) !== undefined) return nothingDue;
  const chat = group ? await openGroupChat(overlay, group.groupId, now) : await openChat(overlay, sender.userId, now);
  const streamKey = { chatId: chat.id, ...sender };
  const stream = (await overlay.get('stream', streamKey)) ?? { ...streamKey, highest: 0, gaps: [] };
  const next = overlay.nextPosition();
  const admission = admit(stream, content.seq, next);
  // What goes to a group comes to the own other devices, too: there it is what this user has written.
  const isOwn = group !== undefined && sender.userId === account.userId;
  const message: MessageRecord = {
    id: messageId,
    nonce: content.messageNonce.slice(),
    chatId: chat.id,
    senderId: sender.userId,
    senderDevice: sender.deviceId,
    receiverId: group ? undefined : account.userId,
    groupId: group?.groupId,
    hasFiles: false,
    ...what,
    seq: content.seq,
    position: admission.latePosition ?? next,
    late: admission.late,
    state: isOwn ? 'sent' : 'received',
    createdAt: content.sentAt,
    updatedAt: now,
    acceptedAt: envelope.acceptedAt,
    expiresAt: envelope.expiresAt,
    recipients: isOwn ? group.members - 1 : undefined,
    revision: isOwn ? content.groupEpoch : undefined,
    failure: undefined,
  };
  overlay.put('stream', admission.stream);
  overlay.put('message', message);
  if (isOwn) {
    const written = { ...withMessage(chat, message, next, now), accepted: true };
    overlay.put('chat', written);
    overlay.record({ type: 'message.sent', messageId, chatId: chat.id, userId: undefined, at: envelope.acceptedAt });
    return chat.accepted ? nothingDue : { ...nothingDue, accepted: [written] };
  }
  overlay.put('chat', withMessage(chat, message, next, now));
  const request = !chat.accepted;
  const muted = isMuted(chat, now);
  const { late } = admission;
  overlay.record({ type: 'message.received', messageId, chatId: chat.id, late, newIdentity, request, muted });
  return { receiptDue: chat.accepted, request };
}
