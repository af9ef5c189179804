import { uuidToBytes } from '@sotto/proto';
import { chatWith } from '../chats/chat-state.ts';
import type { Overlay } from '../crypto/overlay.ts';
import type { ContentOrigin } from '../messages/outgoing-content.ts';
import type { MessageId, UserId } from '../ports/ids.ts';
import type { ReceiptRecord } from '../ports/message-record.ts';
import { siblingsOf } from './own-sync.ts';

/** What a receipt can say. */
type Says = Extract<ReceiptRecord['state'], 'delivered' | 'read'>;

const context = new TextEncoder().encode('sotto early receipt v1');

/**
 * Remembers a receipt for a message that this device does not know: another own device has written it, and its word on that is still on its way. Kept, and forgotten, with the digests of what was seen.
 */
export async function noteEarlyReceipt(
  overlay: Overlay,
  origin: ContentOrigin,
  receipt: { readonly messageId: MessageId; readonly userId: UserId; readonly says: Says },
  now: number,
): Promise<void> {
  if ((await siblingsOf(overlay, origin.account)).length === 0) return;
  // Whoever this user did not write to has got nothing of theirs.
  if (!(await overlay.get('chat', { id: chatWith(receipt.userId) }))?.accepted) return;
  overlay.put('seen', { key: keyOf(origin, receipt), at: now });
}

/** How far a recipient was said to be with a message before it was known. */
export async function earlyReceipt(
  overlay: Pick<Overlay, 'get'>,
  origin: ContentOrigin,
  message: { readonly messageId: MessageId; readonly userId: UserId },
): Promise<Says | undefined> {
  for (const says of ['read', 'delivered'] as const) {
    const key = keyOf(origin, { ...message, says });
    if ((await overlay.get('seen', { key })) !== undefined) return says;
  }
  return undefined;
}

function keyOf(
  { sha256 }: ContentOrigin,
  { messageId, userId, says }: { readonly messageId: MessageId; readonly userId: UserId; readonly says: Says },
): Uint8Array {
  return sha256(context, uuidToBytes(messageId), uuidToBytes(userId), new TextEncoder().encode(says));
}
