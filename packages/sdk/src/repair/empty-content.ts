import type { Overlay } from '../crypto/overlay.ts';
import type { ContentOrigin } from '../messages/outgoing-content.ts';
import { addHiddenContent } from '../outbox/hidden-row.ts';
import type { MessageId, UserId } from '../ports/ids.ts';

/** The most messages that one content stands for. */
export const mostReplaced = 256;

/** Queues a content that nobody sees, and gives its id: it carries a new session to the other side. */
export function addEmptyContent(
  overlay: Overlay,
  origin: ContentOrigin,
  recipient: UserId,
  replaces: readonly Uint8Array[],
  now: number,
): MessageId {
  return addHiddenContent(overlay, origin, recipient, { replaces: [...replaces] }, now).messageId;
}
