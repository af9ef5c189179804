import type { Content } from '@sotto/proto';
import type { Overlay } from '../crypto/overlay.ts';
import { sameBytes } from '../crypto/same-bytes.ts';
import { noteNamedList } from '../devices/named-list.ts';
import { newUser } from '../people/blocked.ts';
import type { UserId } from '../ports/ids.ts';

/**
 * Notes what every message says of its sender: their device list, the profile key, and whether receipts come back.
 * @param identityKey under which it came
 */
export async function learnFromContent(
  overlay: Overlay,
  userId: UserId,
  content: Content,
  identityKey: Uint8Array,
  now: number,
): Promise<void> {
  await noteNamedList(overlay, userId, content, identityKey);
  const known = await overlay.get('user', { id: userId });
  const profileKey = content.profileKey.length === 32 ? content.profileKey.slice() : known?.profileKey;
  const sameKey =
    profileKey === known?.profileKey ||
    (profileKey !== undefined && known?.profileKey !== undefined && sameBytes(profileKey, known.profileKey));
  // What is said in a group holds for the group.
  const inGroup = content.groupId.length > 0;
  const returnsReceipts = inGroup ? (known?.returnsReceipts ?? false) : content.returnsReceipts;
  if (known !== undefined && sameKey && known.returnsReceipts === returnsReceipts) return;
  overlay.put('user', { ...(known ?? newUser(userId, now)), profileKey, returnsReceipts, updatedAt: now });
}
