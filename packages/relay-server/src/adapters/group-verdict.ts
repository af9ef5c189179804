import type { GroupAppend, GroupAppendStatus } from '../ports/group-store.ts';
import type { UserId } from '../ports/ids.ts';

/** One user's row in a group: a member, one that was, or one that only ever asked to join. */
export interface GroupStanding {
  /** The revision of the record that made it a member. */
  readonly joinedAt: number | undefined;
  /** The revision of the record that removed it; gone when it comes back. */
  readonly leftAt: number | undefined;
  /** It reads what comes after this revision. */
  readonly readsAfter: number;
  /** The hash of the invite by which it has appended a record. */
  readonly usedInvite: Uint8Array | undefined;
}

/** What an append is judged by. */
export interface GroupSituation {
  /** The log's last revision; 0 = no such group. */
  readonly revision: number;
  /** What stands at the revision of the record that is to be appended. */
  readonly recordThere: Uint8Array | undefined;
  /** Of the checkpoint that is kept; 0 = there is none. */
  readonly checkpointRevision: number;
  /** Of the invite that is open. */
  readonly inviteHash: Uint8Array | undefined;
  readonly memberCount: number;
  readonly standingOf: (user: UserId) => GroupStanding | undefined;
  readonly hasEnded: (user: UserId) => boolean;
}

/** What becomes of an append, and the rows that it changes if it is `appended`. */
export interface GroupVerdict {
  readonly status: GroupAppendStatus;
  readonly standings: ReadonlyMap<UserId, GroupStanding>;
}

/** Judges an append. Who is neither member nor invited learns nothing of the log. */
export function groupVerdict(append: GroupAppend, situation: GroupSituation): GroupVerdict {
  const refusal = refusalOf(append, situation);
  if (refusal !== undefined) return { status: refusal, standings: new Map() };
  const standings = standingsAfter(append, situation);
  let members = situation.memberCount;
  for (const [user, standing] of standings) {
    members += Number(isMember(standing)) - Number(isMember(situation.standingOf(user)));
  }
  return members > append.mostMembers ? { status: 'full', standings: new Map() } : { status: 'appended', standings };
}

/** Whether somebody is a member now. */
export function isMember(standing: GroupStanding | undefined): boolean {
  return standing?.joinedAt !== undefined && standing.leftAt === undefined;
}

/** The revision after which somebody reads, and the last that it reads; `undefined` when it never was a member. */
export function readableOf(
  standing: GroupStanding | undefined,
  lastRevision: number,
): { readonly after: number; readonly last: number } | undefined {
  if (standing?.joinedAt === undefined) return undefined;
  return { after: standing.readsAfter, last: standing.leftAt ?? lastRevision };
}

function refusalOf(append: GroupAppend, situation: GroupSituation): GroupAppendStatus | undefined {
  const { record, actor, inviteHash } = append;
  const { revision, recordThere } = situation;
  if (recordThere !== undefined && isSame(recordThere, record.bytes)) return 'repeated';
  if (revision === 0) {
    if (!record.added.includes(actor) || record.removed.length > 0) return 'unknown';
  } else {
    const standing = situation.standingOf(actor);
    if (!isMember(standing)) {
      const joins = record.removed.length === 0 && record.added.every((user) => user === actor);
      if (!joins || !isSame(inviteHash, situation.inviteHash)) return 'unknown';
      if (isSame(standing?.usedInvite, inviteHash)) return 'invite-used';
    }
  }
  if (record.revision !== revision + 1) return 'conflict';
  return [actor, ...record.added].some(situation.hasEnded) ? 'ended' : undefined;
}

function standingsAfter(append: GroupAppend, situation: GroupSituation): Map<UserId, GroupStanding> {
  const { record, actor, inviteHash } = append;
  const { revision } = record;
  const changed = new Map<UserId, GroupStanding>();
  const current = (user: UserId) => changed.get(user) ?? situation.standingOf(user);
  const asked = current(actor);
  if (revision > 1 && !isMember(asked)) {
    const { joinedAt, leftAt, readsAfter = revision } = asked ?? {};
    changed.set(actor, { joinedAt, leftAt, readsAfter, usedInvite: inviteHash });
  }
  for (const user of record.added) {
    const known = current(user);
    if (isMember(known)) continue;
    const readsAfter = known?.joinedAt === undefined ? situation.checkpointRevision : known.readsAfter;
    changed.set(user, { joinedAt: revision, leftAt: undefined, readsAfter, usedInvite: known?.usedInvite });
  }
  for (const user of record.removed) {
    const known = current(user);
    if (known === undefined || !isMember(known)) continue;
    // Who leaves of its own accord may come back by the same invite; who was removed may not.
    changed.set(user, { ...known, leftAt: revision, usedInvite: user === actor ? undefined : known.usedInvite });
  }
  return changed;
}

function isSame(one: Uint8Array | undefined, other: Uint8Array | undefined): boolean {
  return one !== undefined && other !== undefined && Buffer.compare(one, other) === 0;
}
