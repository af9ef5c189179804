import type { GroupAppend } from '../ports/group-store.ts';
import { type GroupSituation, type GroupStanding, isMember, membersAfter } from './group-verdict.ts';

const day = 86_400_000;

/** The most avatars of one group that are stored at a time. */
export const mostAvatars = 8;
/** How many are swept at once. */
export const sweptAtOnce = 256;
/** How long an upload may still be writing after it was let in. */
const uploadMs = 10 * 60_000;
/** How long an avatar waits for the append that names it. */
const waitingMs = 2 * day;
/** How long one that was replaced is kept for members who are behind: longer than mail. */
const replacedMs = 31 * day;

/** The end of an avatar that is let in at a time, if it had another end before. */
export function endOfWaiting(at: number, before = 0): number {
  return Math.max(before, at + waitingMs);
}

/** The end of an avatar that is current no more. */
export function endOfReplaced(at: number): number {
  return at + replacedMs;
}

/** Avatars that ended before this time are due: no upload of them is under way any more. */
export function dueBefore(now: number): number {
  return now - uploadMs;
}

/** What an append says of the avatar once it was taken. When nobody is a member any more there is nobody to see one. */
export function avatarAfter(
  append: GroupAppend,
  situation: GroupSituation,
  standings: ReadonlyMap<GroupAppend['actor'], GroupStanding>,
): GroupAppend['avatar'] {
  if (membersAfter(standings, situation) === 0) return null;
  const isGuest = situation.revision > 0 && !isMember(situation.standingOf(append.actor));
  return isGuest ? undefined : append.avatar;
}
