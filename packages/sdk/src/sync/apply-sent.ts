import { Content, ProtoError, type SyncSent, uuidToText } from '@sotto/proto';
import { chatLock, chatWith, openChat, withMessage } from '../chats/chat-state.ts';
import { Hold } from '../crypto/hold.ts';
import { demandLocks } from '../crypto/locks-wanted.ts';
import { messageIdBytes } from '../crypto/message-id.ts';
import { sameBytes } from '../crypto/same-bytes.ts';
import { type Applied, type Arrival, nothingDue } from '../messages/arrival.ts';
import { admit } from '../messages/ordering.ts';
import { isText } from '../messages/text.ts';
import type { MessageId, UserId } from '../ports/ids.ts';
import type { MessageRecord } from '../ports/message-record.ts';
import { earlyReceipt } from './early-receipt.ts';

/**
 * Applies what another own device has written to somebody: it stands in the history as this user's own, and goes up with receipts as if it was written here.
 * @throws {Hold} `malformed-content`, `content-invalid`: it is not that device's, or no message to somebody else
 */
export async function applySent(arrival: Arrival, sent: SyncSent): Promise<Applied> {
  const { overlay, account, origin, sender, locks, now } = arrival;
  const content = contentOf(sent.content);
  const recipient = recipientOf(content, arrival);
  const messageId = uuidToText(content.messageId) as MessageId;
  demandLocks(locks, [chatLock(chatWith(recipient))]);
  if ((await overlay.get('message', { id: messageId })) !== undefined) return nothingDue;
  const chat = await openChat(overlay, recipient, now);
  const streamKey = { chatId: chat.id, ...sender };
  const stream = (await overlay.get('stream', streamKey)) ?? { ...streamKey, highest: 0, gaps: [] };
  const next = overlay.nextPosition();
  const admission = admit(stream, content.seq, next);
  const said = await earlyReceipt(overlay, origin, { messageId, userId: recipient });
  const isShown = content.body === 'text';
  const message: MessageRecord = {
    id: messageId,
    nonce: content.messageNonce.slice(),
    chatId: chat.id,
    senderId: account.userId,
    senderDevice: sender.deviceId,
    receiverId: recipient,
    groupId: undefined,
    hasFiles: false,
    text: content.text?.body ?? '',
    unknownContent: isShown ? undefined : sent.content.slice(),
    seq: content.seq,
    position: admission.latePosition ?? next,
    late: admission.late,
    state: said ?? 'sent',
    createdAt: content.sentAt,
    updatedAt: now,
    acceptedAt: sent.acceptedAt,
    expiresAt: sent.expiresAt,
    recipients: undefined,
    revision: undefined,
    failure: undefined,
  };
  overlay.put('stream', admission.stream);
  overlay.put('message', message);
  if (said !== undefined) overlay.put('receipt', { messageId, userId: recipient, state: said, at: now });
  const written = { ...withMessage(chat, message, next, now), accepted: true };
  overlay.put('chat', written);
  const told = { messageId, chatId: chat.id, userId: recipient };
  overlay.record({ type: 'message.sent', ...told, at: sent.acceptedAt });
  if (said !== undefined) overlay.record({ type: `message.${said}`, ...told, at: now });
  return chat.accepted ? nothingDue : { ...nothingDue, accepted: [written] };
}

function contentOf(encoded: Uint8Array): Content {
  try {
    return Content.decode(encoded);
  } catch (cause) {
    if (cause instanceof ProtoError) throw new Hold('malformed-content', { cause });
    throw cause;
  }
}

/** To whom it went, once it is seen to be what the device that tells of it has written. */
function recipientOf(content: Content, { account, origin, sender }: Arrival): UserId {
  const { senderUser, recipientUser, messageNonce, messageId, seq } = content;
  if (senderUser.length !== 16 || recipientUser.length !== 16 || messageNonce.length !== 16 || seq < 1) {
    throw new Hold('content-invalid');
  }
  const recipient = uuidToText(recipientUser) as UserId;
  const isTheirs = uuidToText(senderUser) === account.userId && content.senderDevice === sender.deviceId;
  const id = messageIdBytes(origin.sha256, senderUser, content.senderDevice, messageNonce);
  const isBad = !isTheirs || recipient === account.userId || content.groupId.length > 0 || !sameBytes(id, messageId);
  if (isBad || (content.text && !isText(content.text.body ?? ''))) throw new Hold('content-invalid');
  return recipient;
}
