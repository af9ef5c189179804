import type { GroupWelcome } from '@sotto/proto';
import { chatOfGroup, chatWith } from '../chats/chat-state.ts';
import { Hold } from '../crypto/hold.ts';
import { demandLocks } from '../crypto/locks-wanted.ts';
import { sameBytes } from '../crypto/same-bytes.ts';
import { groupIdOf } from '../groups/group-id.ts';
import { askedBeforeDoubt } from '../groups/group-key-exchange.ts';
import { mayBringIn } from '../groups/group-requests.ts';
import { type GroupState, memberOf } from '../groups/group-state.ts';
import { keepStart, locksOfGroup } from '../groups/keep-group.ts';
import { ownListOf, stateOf } from '../groups/stored-group.ts';
import { readWelcome } from '../groups/welcome.ts';
import type { GroupRecord } from '../ports/group-records.ts';
import { type Applied, type Arrival, nothingDue } from './arrival.ts';

/**
 * Applies a welcome: this user is a member of a group from now on, or again. Somebody whose chat is not accepted brings them into a group that is not accepted.
 *
 * It waits for the own device list when it has a later one than this device: it may come before the word that another device was linked.
 *
 * Whoever is a member already learns from it only that there is a later revision: the log says what it is. Unless they can't read it on, and nobody gives them the key: then they may have been removed under it, and let in anew since.
 */
export async function applyGroupWelcome(arrival: Arrival): Promise<Applied> {
  const { overlay, account, origin, sender, content, locks, now } = arrival;
  const { sha256 } = origin;
  const self = account.userId;
  const { rootKey, version } = ownListOf(account, sha256);
  const known = readWelcome(content.groupWelcome as GroupWelcome, sender.userId, { userId: self, rootKey }, sha256);
  if (known === undefined) return nothingDue;
  const { state } = known.at;
  const groupId = groupIdOf(state.wireId, sha256);
  const people = state.members.map(({ userId }) => userId).filter((userId) => userId !== self);
  demandLocks(locks, locksOfGroup(groupId, people));

  const group = await overlay.get('group', { id: groupId });
  // A second group of this id, which nobody finds by chance.
  if (group !== undefined && !sameBytes(group.wireId, state.wireId)) return nothingDue;
  if (group?.standing === 'member' && !(await isLetInAnew(arrival, group, state))) {
    if (state.revision <= group.knownRevision) return nothingDue;
    overlay.put('group', { ...group, knownRevision: state.revision });
    return { ...nothingDue, group: groupId };
  }
  // An old welcome, which came again or late.
  if (group !== undefined && group.standing !== 'requested' && state.revision <= group.revision) return nothingDue;
  const inviter = await overlay.get('user', { id: sender.userId });
  if (inviter?.blockedAt !== undefined) return nothingDue;
  // Whoever knows the name of a group can make up a course of it.
  if (group !== undefined && !(await mayTellOf(arrival, group))) return nothingDue;
  const asked = group?.standing === 'requested';
  const chat = await overlay.get('chat', { id: chatWith(sender.userId) });
  const accepted = asked || chat?.accepted === true;
  const isNew = (await overlay.get('chat', { id: chatOfGroup(groupId) })) === undefined;
  if (!accepted && isNew && !(await mayBringIn(overlay, arrival.queries, sender.userId))) return nothingDue;
  // Whoever wrote it knows of own devices that this one has not heard of yet: until then whatever it did there would be void.
  if ((memberOf(state, self)?.deviceListVersion ?? 0) > version) throw new Hold('own-list-behind', { groupId });
  await keepStart(overlay, known, { standing: 'member', accepted, addedBy: sender.userId }, { self, now, sha256 });
  const { revision } = state;
  const changes = [{ type: 'added', userIds: [self] }] as const;
  overlay.record({
    type: 'group.changed',
    chatId: chatOfGroup(groupId),
    groupId,
    revision,
    by: sender.userId,
    changes,
  });
  return { ...nothingDue, group: groupId, groupsBegun: [groupId] };
}

/**
 * Whether a member who waits in vain for the key of the next record is to believe a welcome: by it they came in after all that is known here, and it is from a member, or from a contact.
 *
 * A liar among them can show a false group by that, as by any invitation, and only to whom the relay keeps the key away that all others have.
 */
async function isLetInAnew(arrival: Arrival, group: GroupRecord, state: GroupState): Promise<boolean> {
  const { account } = arrival;
  const { waitingFor } = group;
  if (waitingFor === undefined || waitingFor.asked < askedBeforeDoubt) return false;
  const joinedAt = memberOf(state, account.userId)?.joinedAtRevision ?? 0;
  if (joinedAt <= group.revision || state.keyEpoch < waitingFor.keyEpoch) return false;
  return mayTellOf(arrival, group);
}

/** Whether somebody is believed about a group that this user was in, or asked to come into: a member by what was seen of it last, or a contact. */
async function mayTellOf(
  { overlay, sender }: Pick<Arrival, 'overlay' | 'sender'>,
  group: GroupRecord,
): Promise<boolean> {
  const last = stateOf(group);
  if (last !== undefined && memberOf(last, sender.userId) !== undefined) return true;
  return (await overlay.get('chat', { id: chatWith(sender.userId) }))?.accepted === true;
}
