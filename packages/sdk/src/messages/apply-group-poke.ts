import { demandLocks } from '../crypto/locks-wanted.ts';
import { sameBytes } from '../crypto/same-bytes.ts';
import { mostClaims, noteForkByMember, settleByWord } from '../groups/group-fork.ts';
import { groupIdOf } from '../groups/group-id.ts';
import { groupLock } from '../groups/group-lock.ts';
import { type Applied, type Arrival, nothingDue } from './arrival.ts';

/** The most revisions that somebody may speak of at once beyond what is known here. */
const mostAhead = 1_000_000;

/**
 * Applies the word of somebody that their group has come to a revision: its log is to be fetched, or it is compared with what is known.
 *
 * Also of one who is no member any more: who leaves says so.
 */
export async function applyGroupPoke({ overlay, origin, sender, content, locks, now }: Arrival): Promise<Applied> {
  const { groupId: wireId, groupEpoch: revision, groupHead: head } = content;
  if (wireId.length !== 32 || revision < 1 || head.length !== 32) return nothingDue;
  const groupId = groupIdOf(wireId, origin.sha256);
  demandLocks(locks, [groupLock(groupId)]);
  const group = await overlay.get('group', { id: groupId });
  if (group?.standing !== 'member' || !sameBytes(group.wireId, wireId)) return nothingDue;
  const member = await overlay.get('groupMember', { groupId, userId: sender.userId });
  // By a link, or in again: the log says whether they are in.
  const isUnsure = member === undefined || (member.leftAt !== undefined && revision > group.revision);
  if (isUnsure) return revision > group.revision ? { ...nothingDue, group: groupId } : nothingDue;
  if (revision > group.revision + mostAhead) return nothingDue;
  const known = await overlay.get('groupHead', { groupId, revision });
  if (revision <= group.revision) {
    const word = { by: sender.userId, revision };
    if (known === undefined) return nothingDue;
    if (sameBytes(known.head, head)) {
      return settleByWord(overlay, group, word) ? { ...nothingDue, group: groupId } : nothingDue;
    }
    await noteForkByMember(overlay, group, word, now);
    return nothingDue;
  }
  // Held against the log once that is read: the first word, since a false one says nothing of who speaks later.
  if (known === undefined && revision <= group.revision + mostClaims) {
    overlay.put('groupHead', { groupId, revision, head: head.slice(), saidBy: sender.userId });
  }
  if (revision > group.knownRevision) overlay.put('group', { ...group, knownRevision: revision });
  return { ...nothingDue, group: groupId };
}
