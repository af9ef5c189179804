import type { Content } from '@sotto/proto';
import { Hold } from '../crypto/hold.ts';
import type { Overlay } from '../crypto/overlay.ts';
import { sameBytes } from '../crypto/same-bytes.ts';
import { noteFork } from '../groups/group-fork.ts';
import { stateOf } from '../groups/stored-group.ts';
import type { GroupMemberRecord, GroupRecord } from '../ports/group-records.ts';
import type { GroupId, UserId } from '../ports/ids.ts';

/** How long messages of former members are taken: as long as the relay keeps mail, and a day. */
const formerMembersFor = 31 * 24 * 3_600_000;

/** The most revisions that somebody may speak of at once beyond what is known here. */
const mostAhead = 1_000_000;

/** The group that a content belongs to. */
export interface GroupContext {
  readonly groupId: GroupId;
  /** How many members it has, as it is known here. */
  readonly members: number;
}

/**
 * Holds what a content says of its group against the log as it is known here: its sender and this user are members now, or were at that revision, and both see the same group. The caller holds the group's lock.
 *
 * A later revision than the known one is noted, so that the log is read; another head at a known one is a fork, which is told.
 * @throws {Hold} `group-unknown`, `group-mismatch`, `group-revision`, `not-a-member`
 */
export async function groupContextOf(
  overlay: Overlay,
  groupId: GroupId,
  sender: UserId,
  self: UserId,
  { groupId: wireId, groupEpoch: revision, groupHead: head }: Content,
  now: number,
): Promise<GroupContext> {
  const group = await overlay.get('group', { id: groupId });
  if (group === undefined || group.standing === 'requested') throw new Hold('group-unknown', { groupId });
  if (!sameBytes(group.wireId, wireId) || revision < 1 || head.length !== 32) throw new Hold('group-mismatch');
  const theirs = await overlay.get('groupMember', { groupId, userId: sender });
  if (revision > group.revision) {
    // Whoever was never a member may have joined since, which the log says.
    const isHeard = theirs !== undefined && revision <= group.revision + mostAhead;
    const note = isHeard ? (noting: Overlay) => noteRevision(noting, groupId, revision) : undefined;
    throw new Hold('group-revision', { groupId, ...(note && { note }) });
  }
  if (!isMemberAt(theirs, revision, now)) throw new Hold('not-a-member', { groupId });
  const own = await overlay.get('groupMember', { groupId, userId: self });
  if (!isMemberAt(own, revision, now)) throw new Hold('not-a-member', { groupId });
  const known = await overlay.get('groupHead', { groupId, revision });
  if (known === undefined) throw new Hold('group-revision', { groupId });
  if (!sameBytes(known.head, head)) {
    throw new Hold('group-mismatch', { groupId, note: (noting) => noteOther(noting, groupId, revision, now) });
  }
  return { groupId, members: membersOf(group) };
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

function membersOf(group: GroupRecord): number {
  return stateOf(group)?.members.length ?? 0;
}

async function noteRevision(overlay: Overlay, groupId: GroupId, revision: number): Promise<void> {
  const group = await overlay.get('group', { id: groupId });
  if (group === undefined || revision <= group.knownRevision) return;
  overlay.put('group', { ...group, knownRevision: revision });
}

async function noteOther(overlay: Overlay, groupId: GroupId, revision: number, now: number): Promise<void> {
  const group = await overlay.get('group', { id: groupId });
  if (group !== undefined) noteFork(overlay, group, revision, now);
}
