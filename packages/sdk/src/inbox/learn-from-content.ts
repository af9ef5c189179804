import type { Content } from '@sotto/proto';
import type { Overlay } from '../crypto/overlay.ts';
import { sameBytes } from '../crypto/same-bytes.ts';
import { noteNamedList } from '../devices/named-list.ts';
import { newUser } from '../people/blocked.ts';
import type { UserId } from '../ports/ids.ts';
import type { UserRecord } from '../ports/user-record.ts';

const day = 86_400_000;
/** By how much a sender's clock is believed to be ahead: what one that is further ahead said must not stand for long once it is set right. */
const aheadAtMost = day;
/** That a key is still theirs is noted once a day: most messages say nothing new. */
const notedEach = day;
/** How long an earlier word is no word against a key: as long as the relay keeps mail, and what is held waits. */
const firmFor = 31 * day;

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
  const key = keyAfter(known, content, now);
  // What is said in a group holds for the group.
  const inGroup = content.groupId.length > 0;
  const returnsReceipts = inGroup ? (known?.returnsReceipts ?? false) : content.returnsReceipts;
  if (known !== undefined && key === known && known.returnsReceipts === returnsReceipts) return;
  overlay.put('user', { ...(known ?? newUser(userId, now)), ...keyOf(key), returnsReceipts, updatedAt: now });
}

type KnownKey = Pick<UserRecord, 'profileKey' | 'profileKeyAt'>;

const noKey: KnownKey = { profileKey: undefined, profileKeyAt: undefined };

function keyOf({ profileKey, profileKeyAt }: KnownKey): KnownKey {
  return { profileKey, profileKeyAt };
}

/**
 * Of two profile keys, the one that was said later: the very same object when nothing is to be kept.
 *
 * What is late or was held may say a former one, and a relay can make it late on purpose: so nothing that the relay says decides, but the time that was sealed with the key. A clock that was set back makes new keys look old: that ends when the known one was not said anew for a month.
 */
function keyAfter(known: KnownKey = noKey, { profileKey, profileKeyAt }: Content, now: number): KnownKey {
  if (profileKey.length !== 32) return known;
  const at = profileKeyAt === 0 ? undefined : Math.min(profileKeyAt, now + aheadAtMost);
  const said = { profileKey: profileKey.slice(), profileKeyAt: at };
  if (known.profileKey === undefined) return said;
  const knownAt = known.profileKeyAt ?? 0;
  if (sameBytes(known.profileKey, profileKey)) return at !== undefined && at >= knownAt + notedEach ? said : known;
  return profileKeyAt > knownAt || knownAt + firmFor < now ? said : known;
}
