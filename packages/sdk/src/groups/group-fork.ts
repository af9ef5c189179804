import { chatOfGroup } from '../chats/chat-state.ts';
import type { Overlay } from '../crypto/overlay.ts';
import type { GroupFork, GroupRecord } from '../ports/group-records.ts';
import type { UserId } from '../ports/ids.ts';
import { memberOf } from './group-state.ts';
import { stateOf } from './stored-group.ts';

/** How far beyond what is known here it is kept what members say of the course: this many revisions. */
export const mostClaims = 32;

/** Whether nothing is to be sent into a group: members do not see the same one, and the user has not said that it goes on. */
export function isSendingStopped({ fork }: Pick<GroupRecord, 'fork'>): boolean {
  return fork !== undefined && !fork.accepted;
}

/** Whether the relay itself shows another log: what is changed by that log would be another group. Whatever a member says, changes can be made; the one, too, that removes them. */
export function isForkedByRelay({ fork }: Pick<GroupRecord, 'fork'>): boolean {
  return fork !== undefined && fork.by === undefined;
}

/**
 * The relay shows another course of a group than the one that was seen here: it is told, and nothing is sent into the group as long as it does, unless the user says so. The caller holds the group's lock.
 * @param revision at which both differ
 */
export function noteForkByRelay(overlay: Overlay, group: GroupRecord, revision: number, now: number): void {
  if (!isForkedByRelay(group)) put(overlay, group, { at: now, by: undefined, revision, accepted: false });
}

/**
 * A member says that a group has another course than the one that was seen here: it is told, and nothing is sent into the group until that is settled. The caller holds the group's lock.
 *
 * Of several such words the first one counts, and another one when that is settled: whoever sees another group says so with all that they send. Who is no member by what is known here has no say, nor has anybody on what the user has passed over.
 * @param revision at which both differ
 */
export async function noteForkByMember(
  overlay: Overlay,
  group: GroupRecord,
  { by, revision }: { readonly by: UserId; readonly revision: number },
  now: number,
): Promise<void> {
  if (group.fork !== undefined || !isMember(group, by)) return;
  const row = await overlay.get('groupMember', { groupId: group.id, userId: by });
  if (row !== undefined && revision <= row.passedUpTo) return;
  put(overlay, group, { at: now, by, revision, accepted: false });
}

/**
 * A member names the head that is known here: if it was by their word that the group was forked, and not later than that, it is no more. The caller holds the group's lock.
 * @returns whether it was so: what waited in the group is to be looked at again
 */
export function settleByWord(
  overlay: Overlay,
  group: GroupRecord,
  { by, revision }: { readonly by: UserId; readonly revision: number },
): boolean {
  const { fork } = group;
  if (fork?.by !== by || revision < fork.revision) return false;
  overlay.put('group', { ...group, fork: undefined });
  return true;
}

/** The fork of a group as it stands in another state of it: the word of one who is no member any more counts no more. */
export function forkAfter(group: Pick<GroupRecord, 'fork' | 'state'>): GroupFork | undefined {
  const { fork } = group;
  return fork?.by === undefined || isMember(group, fork.by) ? fork : undefined;
}

/**
 * The user goes on with the group as it was seen here. The word of a member is settled by that, with all that they say of revisions up to now; what the relay shows stays noted as long as it does. The caller holds the group's lock.
 * @returns whether there was anything to go on in spite of
 */
export async function acceptFork(overlay: Overlay, group: GroupRecord, now: number): Promise<boolean> {
  const { id: groupId, revision, fork } = group;
  if (fork === undefined || fork.accepted) return false;
  if (fork.by === undefined) {
    overlay.put('group', { ...group, fork: { ...fork, accepted: true }, updatedAt: now });
    return true;
  }
  overlay.put('group', { ...group, fork: undefined, updatedAt: now });
  const row = await overlay.get('groupMember', { groupId, userId: fork.by });
  if (row !== undefined) overlay.put('groupMember', { ...row, passedUpTo: revision });
  // What they have said of revisions to come would stop the group again with each of them.
  for (let ahead = 1; ahead <= mostClaims; ahead++) {
    const claim = await overlay.get('groupHead', { groupId, revision: revision + ahead });
    if (claim?.saidBy === fork.by) overlay.delete('groupHead', claim);
  }
  return true;
}

function put(overlay: Overlay, group: GroupRecord, fork: GroupFork): void {
  overlay.put('group', { ...group, fork, updatedAt: fork.at });
  const { id: groupId } = group;
  const { by, revision } = fork;
  overlay.record({ type: 'group.forked', chatId: chatOfGroup(groupId), groupId, revision, by });
}

function isMember(group: Pick<GroupRecord, 'state'>, userId: UserId): boolean {
  const state = stateOf(group);
  return state !== undefined && memberOf(state, userId) !== undefined;
}
