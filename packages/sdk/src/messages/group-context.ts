import type { Content } from '@sotto/proto';
import { Hold } from '../crypto/hold.ts';
import type { Overlay } from '../crypto/overlay.ts';
import { sameBytes } from '../crypto/same-bytes.ts';
import { noteForkByMember, settleByWord } from '../groups/group-fork.ts';
import { stateOf } from '../groups/stored-group.ts';
import type { GroupMemberRecord, GroupRecord } from '../ports/group-records.ts';
import type { GroupId, UserId } from '../ports/ids.ts';

/** How long messages of former members are taken: as long as the relay keeps mail, and a day. */
const formerMembersFor = 31 * 24 * 3_600_000;

/** How far the clocks of a device and its relay, which it corrects by what the relay says, may lie apart all the same. */
const clocksApart = 60_000;

/** The most revisions that somebody may speak of at once beyond what is known here. */
const mostAhead = 1_000_000;

/** When something came, by this device's clock. */
export interface ArrivalTimes {
  /** When it is looked at. */
  readonly now: number;
  /** When the relay took it, as far as the two clocks are known to lie apart. */
  readonly takenAt: number;
}

/** The group that a content belongs to. */
export interface GroupContext {
  readonly groupId: GroupId;
  /** How many members it has, as it is known here. */
  readonly members: number;
  /** Whether what its sender says of the group has settled a fork: what waited is to be looked at again. */
  readonly settled: boolean;
}

/**
 * Holds what a content says of its group against the log as it is known here: its sender and this user are members now, or were at that revision, and both see the same group. The caller holds the group's lock.
 *
 * A later revision than the known one is noted, so that the log is read; another head at a known one is a fork, which is told.
 * @throws {Hold} `group-unknown`, `group-mismatch`, `group-revision`, `group-head-unknown`, `not-a-member`
 */
export async function groupContextOf(
  overlay: Overlay,
  groupId: GroupId,
  sender: UserId,
  self: UserId,
  { groupId: wireId, groupEpoch: revision, groupHead: head }: Content,
  { now, takenAt }: ArrivalTimes,
): Promise<GroupContext> {
  const group = await overlay.get('group', { id: groupId });
  if (group === undefined || group.standing === 'requested') throw new Hold('group-unknown', { groupId });
  if (!sameBytes(group.wireId, wireId) || revision < 1 || head.length !== 32) throw new Hold('group-mismatch');
  const theirs = await overlay.get('groupMember', { groupId, userId: sender });
  if (revision > group.revision) {
    // Whoever is no member here may have joined since, which the log says; by their word alone it is not waited for.
    const isHeard = theirs !== undefined && theirs.leftAt === undefined && revision <= group.revision + mostAhead;
    const note = isHeard ? (noting: Overlay) => noteRevision(noting, groupId, revision) : undefined;
    throw new Hold('group-revision', { groupId, ...(note && { note }) });
  }
  if (theirs === undefined || !isMemberAt(theirs, revision, now) || isTooLate(theirs, takenAt))
    throw new Hold('not-a-member', { groupId });
  const own = await overlay.get('groupMember', { groupId, userId: self });
  if (!isMemberAt(own, revision, now)) throw new Hold('not-a-member', { groupId });
  const known = await overlay.get('groupHead', { groupId, revision });
  // It is before what a welcome said, or so long ago that it is not kept: it will not be known any more.
  if (known === undefined) throw new Hold('group-head-unknown', { groupId });
  if (!sameBytes(known.head, head)) {
    const word = { by: sender, revision };
    throw new Hold('group-mismatch', { groupId, note: (noting) => noteOther(noting, groupId, word, now) });
  }
  const settled = settleByWord(overlay, group, { by: sender, revision });
  return { groupId, members: membersOf(group), settled };
}

/**
 * Whether somebody writes to a group from outside, as far as its log is known here up to the revision that they speak of: what they say in it will not be shown, whatever key comes.
 * @param former whether whoever was a member once counts as outside, too: nobody answers for a group that they are out of
 */
export async function isOutside(
  overlay: Overlay,
  groupId: GroupId,
  userId: UserId,
  revision: number,
  former: boolean,
): Promise<boolean> {
  const group = await overlay.get('group', { id: groupId });
  if (group === undefined || group.standing === 'requested' || revision > group.revision) return false;
  const member = await overlay.get('groupMember', { groupId, userId });
  return member === undefined || (former && member.leftAt !== undefined);
}

/** Whether somebody is a member, or was one at a revision. */
function isMemberAt(
  member: Pick<GroupMemberRecord, 'joinedAt' | 'leftAt' | 'leftSeenAt'> | undefined,
  revision: number,
  now: number,
): boolean {
  if (member === undefined) return false;
  // Who was out in between may have written, and been written to, before: of that time nothing is kept, and whoever names its head was there.
  if (member.leftAt === undefined) return true;
  if (revision < member.joinedAt) return false;
  return revision < member.leftAt && now < (member.leftSeenAt ?? now) + formerMembersFor;
}

/** Whether the relay took it when it was known here already that its sender was out: whoever is not named to the relay is not kept from writing by it. */
function isTooLate({ leftAt, leftSeenAt }: Pick<GroupMemberRecord, 'leftAt' | 'leftSeenAt'>, takenAt: number): boolean {
  return leftAt !== undefined && leftSeenAt !== undefined && takenAt > leftSeenAt + clocksApart;
}

function membersOf(group: GroupRecord): number {
  return stateOf(group)?.members.length ?? 0;
}

async function noteRevision(overlay: Overlay, groupId: GroupId, revision: number): Promise<void> {
  const group = await overlay.get('group', { id: groupId });
  if (group === undefined || revision <= group.knownRevision) return;
  overlay.put('group', { ...group, knownRevision: revision });
}

async function noteOther(
  overlay: Overlay,
  groupId: GroupId,
  word: { readonly by: UserId; readonly revision: number },
  now: number,
): Promise<void> {
  const group = await overlay.get('group', { id: groupId });
  if (group !== undefined) await noteForkByMember(overlay, group, word, now);
}
