import type { GroupInvite, GroupRecord, GroupSeal } from '../../ports/group-store.ts';
import type { GroupId, UserId } from '../../ports/ids.ts';
import { type GroupStanding, isMember } from '../group-verdict.ts';
import { byteKey } from './byte-key.ts';
import { endAvatars, type GroupAvatarRecord, nameAvatar } from './group-avatars.ts';

/** A group as it is kept in memory. */
export interface GroupState {
  readonly groupId: GroupId;
  /** Revision 1 first. */
  readonly records: Uint8Array[];
  /** Which state key the last record is under. */
  lastKey: Pick<GroupRecord, 'keyEpoch' | 'keyCommitment'> | undefined;
  /** Of everybody who is a member, was one, or asked to become one. */
  readonly standings: Map<UserId, GroupStanding>;
  checkpoint: GroupSeal | undefined;
  invite: GroupInvite | undefined;
}

/** A group's id as a key of a Map. */
export function groupKey(groupId: GroupId): string {
  return byteKey(groupId);
}

/** Takes somebody out of all groups; those that nobody is left of are gone, with their avatars. */
export function leaveGroups(
  { groups, groupAvatars }: { groups: Map<string, GroupState>; groupAvatars: Map<string, GroupAvatarRecord> },
  userId: UserId,
  now: number,
): void {
  for (const [key, { groupId, standings }] of groups) {
    if (!standings.delete(userId)) continue;
    if (![...standings.values()].some(isMember)) nameAvatar(groupAvatars, groupId, null, now);
    if (standings.size > 0) continue;
    groups.delete(key);
    endAvatars(groupAvatars, groupId, now);
  }
}

/** A group that neither sees what the other one changes from now on. */
export function copyOfGroup(group: GroupState): GroupState {
  return { ...group, records: [...group.records], standings: new Map(group.standings) };
}
