import type {
  GroupAppend,
  GroupAppendStatus,
  GroupCaller,
  GroupReader,
  GroupRecord,
  GroupRepair,
  GroupRepairStatus,
} from '../ports/group-store.ts';
import type { UserId } from '../ports/ids.ts';

/** How long after its removal by another one somebody reads on, and may repair the table of members: seven days. */
export const mendsForMs = 7 * 86_400_000;

/** One user's row in a group: a member, one that was, or one that only ever asked to join. */
export interface GroupStanding {
  /** The revision of the record that made it a member. */
  readonly joinedAt: number | undefined;
  /** The revision up to which it was a member; gone when it comes back. */
  readonly leftAt: number | undefined;
  /** When another one removed it, by the relay's clock. Who lets itself in again by a repair keeps it, and gets no later one within seven days. */
  readonly removedAt: number | undefined;
  /** It reads what comes after this revision. */
  readonly readsAfter: number;
  /** The hash of the invite by which it has appended a record. */
  readonly usedInvite: Uint8Array | undefined;
}

/** What a group is like when it is to change. */
export interface GroupSituation {
  /** The log's last revision; 0 = no such group. */
  readonly revision: number;
  readonly memberCount: number;
  readonly standingOf: (user: UserId) => GroupStanding | undefined;
  readonly hasEnded: (user: UserId) => boolean;
}

/** What an append is judged by. */
export interface AppendSituation extends GroupSituation {
  /** What stands at the revision of the record that is to be appended. */
  readonly recordThere: Uint8Array | undefined;
  /** Which state key the last record is under. */
  readonly lastKey: Pick<GroupRecord, 'keyEpoch' | 'keyCommitment'> | undefined;
  /** Of the checkpoint that is kept; 0 = there is none. */
  readonly checkpointRevision: number;
  /** Of the invite that is open. */
  readonly inviteHash: Uint8Array | undefined;
}

/** What becomes of a change, and the rows that it changes if it is made. */
export interface GroupVerdict<Status> {
  readonly status: Status;
  readonly standings: ReadonlyMap<UserId, GroupStanding>;
}

/** Judges an append. Who is neither member nor invited learns nothing of the log. */
export function groupVerdict(append: GroupAppend, situation: AppendSituation): GroupVerdict<GroupAppendStatus> {
  const refusal = refusalOf(append, situation);
  if (refusal !== undefined) return { status: refusal, standings: new Map() };
  const standings = standingsAfter(append, situation);
  return membersAfter(standings, situation) > append.mostMembers
    ? { status: 'full', standings: new Map() }
    : { status: 'appended', standings };
}

/** Judges a change of the table alone. */
export function repairVerdict(repair: GroupRepair, situation: GroupSituation): GroupVerdict<GroupRepairStatus> {
  const { actor, added, removed, at, mostMembers } = repair;
  const { revision, standingOf, hasEnded } = situation;
  if (!mayRepair(standingOf(actor), at)) return { status: 'unknown', standings: new Map() };
  const standings = new Map<UserId, GroupStanding>();
  for (const user of added) {
    const known = standingOf(user);
    if (isMember(known) || hasEnded(user)) continue;
    const { joinedAt = revision, readsAfter = 0, usedInvite } = known ?? {};
    const removedAt = user === actor ? known?.removedAt : undefined;
    standings.set(user, { joinedAt, leftAt: undefined, removedAt, readsAfter, usedInvite });
  }
  for (const user of removed) {
    const known = standingOf(user);
    if (known !== undefined && isMember(known))
      standings.set(user, removedStanding(known, revision, actor === user, at));
  }
  return membersAfter(standings, situation) > mostMembers
    ? { status: 'full', standings: new Map() }
    : { status: 'repaired', standings };
}

/** Whether somebody is a member now. */
export function isMember(standing: GroupStanding | undefined): boolean {
  return standing?.joinedAt !== undefined && standing.leftAt === undefined;
}

/** Whether somebody may repair the table: a member, or one that was removed by another one and not long ago. */
export function mayRepair(standing: GroupStanding | undefined, at: number): boolean {
  return isMember(standing) || isRecent(standing?.removedAt, at);
}

/** As what somebody comes to a group. */
export function callerAs(
  standing: GroupStanding | undefined,
  at: number,
  invites: { readonly shown: Uint8Array | undefined; readonly open: Uint8Array | undefined },
): GroupCaller {
  if (!isMember(standing)) return isSame(invites.shown, invites.open) ? 'guest' : 'nobody';
  return standing?.usedInvite !== undefined || isRecent(standing?.removedAt, at) ? 'by-itself' : 'member';
}

/** The revision after which somebody reads, and the last that it reads; `undefined` when it never was a member. */
export function readableOf(
  standing: GroupStanding | undefined,
  lastRevision: number,
  { at }: GroupReader,
): { readonly after: number; readonly last: number } | undefined {
  if (standing?.joinedAt === undefined) return undefined;
  const { readsAfter: after, leftAt } = standing;
  return { after, last: mayRepair(standing, at) ? lastRevision : (leftAt ?? lastRevision) };
}

function refusalOf(append: GroupAppend, situation: AppendSituation): GroupAppendStatus | undefined {
  const { record, added, removed, actor, inviteHash } = append;
  const { revision, recordThere, lastKey } = situation;
  if (recordThere !== undefined && isSame(recordThere, record.bytes)) return 'repeated';
  let isInvited = false;
  let isPutOut = false;
  if (revision === 0) {
    if (!added.includes(actor) || removed.length > 0) return 'unknown';
  } else {
    const standing = situation.standingOf(actor);
    isInvited = !isMember(standing);
    isPutOut = isRecent(standing?.removedAt, append.at);
    if (isInvited) {
      const joins = removed.length === 0 && added.every((user) => user === actor);
      if (!joins || !isSame(inviteHash, situation.inviteHash)) return 'unknown';
      if (isSame(standing?.usedInvite, inviteHash)) return 'invite-used';
    }
  }
  if (record.revision !== revision + 1) return 'conflict';
  // Members alone bring new state keys: nobody would have that of a guest.
  const isUnderLastKey =
    lastKey !== undefined &&
    lastKey.keyEpoch === record.keyEpoch &&
    isSame(lastKey.keyCommitment, record.keyCommitment);
  if (isInvited && !isUnderLastKey) return 'conflict';
  // Nor would anybody have that of one who was removed for good reason, and has let itself in again: all would wait for it for ever.
  if (isPutOut && !isUnderLastKey) return 'unknown';
  return [actor, ...added].some(situation.hasEnded) ? 'ended' : undefined;
}

function standingsAfter(append: GroupAppend, situation: AppendSituation): Map<UserId, GroupStanding> {
  const { record, added, removed, actor, inviteHash, at } = append;
  const { revision } = record;
  const changed = new Map<UserId, GroupStanding>();
  const current = (user: UserId) => changed.get(user) ?? situation.standingOf(user);
  const asked = current(actor);
  if (revision > 1 && !isMember(asked)) {
    const { joinedAt, leftAt, removedAt, readsAfter = revision } = asked ?? {};
    changed.set(actor, { joinedAt, leftAt, removedAt, readsAfter, usedInvite: inviteHash });
  }
  for (const user of added) {
    const known = current(user);
    if (isMember(known)) continue;
    const readsAfter = known?.joinedAt === undefined ? situation.checkpointRevision : known.readsAfter;
    const removedAt = user === actor ? known?.removedAt : undefined;
    changed.set(user, { joinedAt: revision, leftAt: undefined, removedAt, readsAfter, usedInvite: known?.usedInvite });
  }
  for (const user of removed) {
    const known = current(user);
    if (known === undefined || !isMember(known)) continue;
    const removedNow = removedStanding(known, revision, user === actor, at);
    // Who leaves of its own accord may come back by the same invite; who was removed may not.
    changed.set(user, user === actor ? { ...removedNow, usedInvite: undefined } : removedNow);
  }
  return changed;
}

function removedStanding(known: GroupStanding, revision: number, byItself: boolean, at: number): GroupStanding {
  if (byItself) return { ...known, leftAt: revision, removedAt: undefined };
  return { ...known, leftAt: revision, removedAt: isRecent(known.removedAt, at) ? known.removedAt : at };
}

function isRecent(removedAt: number | undefined, at: number): boolean {
  return removedAt !== undefined && at - removedAt < mendsForMs;
}

/** How many members a group has once these rows are changed. */
export function membersAfter(standings: ReadonlyMap<UserId, GroupStanding>, situation: GroupSituation): number {
  let members = situation.memberCount;
  for (const [user, standing] of standings) {
    members += Number(isMember(standing)) - Number(isMember(situation.standingOf(user)));
  }
  return members;
}

function isSame(one: Uint8Array | undefined, other: Uint8Array | undefined): boolean {
  return one !== undefined && other !== undefined && Buffer.compare(one, other) === 0;
}
