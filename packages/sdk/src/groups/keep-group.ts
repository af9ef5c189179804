import { toBase64Url } from '@sotto/proto';
import { chatLock, chatOfGroup, chatWith, openGroupChat } from '../chats/chat-state.ts';
import type { Overlay } from '../crypto/overlay.ts';
import { sameBytes } from '../crypto/same-bytes.ts';
import type { GroupNews } from '../ports/event-records.ts';
import type { GroupRecord, GroupStanding } from '../ports/group-records.ts';
import type { Sha256 } from '../ports/hash.ts';
import type { GroupId, UserId } from '../ports/ids.ts';
import { membersChanged } from './apply-change.ts';
import type { GroupAdvance, GroupStep } from './group-advance.ts';
import { forkAfter, noteForkByMember, settleByWord } from './group-fork.ts';
import { groupIdOf } from './group-id.ts';
import { groupLock } from './group-lock.ts';
import type { GroupMember } from './group-member.ts';
import { endsChains, newsOf } from './group-news.ts';
import { encodeState, type GroupState, memberOf } from './group-state.ts';
import type { KnownGroup } from './known-group.ts';
import { hasRole } from './operation-rule.ts';
import { memberRowId, stateOf } from './stored-group.ts';

/** How many heads are kept of a group: for messages that were on their way for long. One account appends that many in a day at the most, as relays limit it. */
const headsKept = 16_384;

/** How long a key may be on its way before members are asked for it. */
export const keyGraceMs = 5_000;

/** What keeping needs to know. */
export interface Keeping {
  /** Whose store it is. */
  readonly self: UserId;
  readonly now: number;
  readonly sha256: Sha256;
}

/** The locks under which a piece of a group's course is kept: of the group, its chat, and of everybody who comes by it. */
export function locksOfAdvance(groupId: GroupId, { steps }: Pick<GroupAdvance, 'steps'>): readonly string[] {
  const come = steps.flatMap(({ before, at }) => membersChanged(before, at.state).added);
  return locksOfGroup(groupId, come);
}

/** The locks of a group, its chat, and of these people. */
export function locksOfGroup(groupId: GroupId, people: readonly UserId[] = []): readonly string[] {
  const chats = [...new Set(people)].map((userId) => chatLock(chatWith(userId)));
  return [groupLock(groupId), chatLock(chatOfGroup(groupId)), ...chats];
}

/**
 * Keeps a group that begins here: made by this user, or as somebody else says that it is. The caller holds the locks of all its members.
 * @returns the record, which is in the overlay
 */
export async function keepStart(
  overlay: Overlay,
  { at, key }: KnownGroup,
  start: {
    readonly standing: 'member' | 'requested';
    readonly accepted: boolean;
    /** Who has brought this user in, by a welcome. */
    readonly addedBy?: UserId;
  },
  { self, now, sha256 }: Keeping,
): Promise<GroupRecord> {
  const { state, head } = at;
  const id = groupIdOf(state.wireId, sha256);
  const before = await overlay.get('group', { id });
  const group: GroupRecord = {
    ...fieldsOf(state),
    id,
    wireId: state.wireId,
    adminId: before?.adminId ?? founderOf(state) ?? self,
    head,
    knownRevision: Math.max(before?.knownRevision ?? 0, state.revision),
    standing: start.standing,
    addedBy: start.addedBy ?? before?.addedBy,
    fork: before?.standing === 'member' ? forkAfter({ ...fieldsOf(state), fork: before.fork }) : undefined,
    checkpointRevision: 0,
    checkpointEpoch: 0,
    waitingFor: undefined,
    createdAt: before?.createdAt ?? now,
    updatedAt: now,
  };
  overlay.put('group', group);
  overlay.put('groupHead', { groupId: id, revision: state.revision, head, saidBy: undefined });
  const { keyCommitment } = state;
  overlay.put('groupKey', { groupId: id, keyEpoch: key.keyEpoch, keyCommitment, key: key.key, evaluated: true });
  if (before !== undefined) await keepGap(overlay, before, state, now);
  await keepMembers(overlay, id, state.members, { self, now, sha256 });
  if (start.standing === 'member') await openGroupChat(overlay, id, now, start.accepted);
  return group;
}

/**
 * Keeps a piece of a group's course, with the news of it. The caller holds `locksOfAdvance`, and has seen that the group is still where the piece begins.
 * @returns the record, which is in the overlay
 */
export async function keepAdvance(
  overlay: Overlay,
  group: GroupRecord,
  { steps, at, opened, missing }: GroupAdvance,
  keeping: Keeping,
): Promise<GroupRecord> {
  const { self, now } = keeping;
  const { state, head } = at;
  const claims: Claim[] = [];
  for (const step of steps) claims.push(...(await keepStep(overlay, group.id, step, keeping)));
  for (const key of opened) {
    const known = await overlay.get('groupKey', { groupId: group.id, ...key });
    if (known?.evaluated === false) overlay.put('groupKey', { ...known, evaluated: true });
  }
  const standing = standingAfter(group.standing, steps, self);
  const moved = { ...group, ...fieldsOf(state) };
  const kept: GroupRecord = {
    ...moved,
    fork: forkAfter(moved),
    head,
    knownRevision: Math.max(group.knownRevision, state.revision),
    standing,
    waitingFor: standing === 'member' ? waitingAfter(group, missing[0], now) : undefined,
    updatedAt: now,
  };
  overlay.put('group', kept);
  if (kept.waitingFor !== undefined && kept.waitingFor !== group.waitingFor) {
    const { id: groupId, revision } = kept;
    overlay.record({ type: 'group.waiting', chatId: chatOfGroup(groupId), groupId, revision });
  }
  for (const claim of claims) await holdAgainst(overlay, group.id, claim, now);
  if (standing === 'member' && group.standing === 'requested') await openGroupChat(overlay, group.id, now, true);
  if (standing === 'member' && group.standing === 'removed') await keepReturn(overlay, kept, keeping);
  return kept;
}

/**
 * Takes this user as removed from a group whose log can't be read on: as far as it can, no record says so. The caller holds the locks of the group, and has seen that it waits.
 *
 * The state stays the last one that was read, with this user in it: by that it is told from a removal that was read.
 */
export async function keepAbsence(
  overlay: Overlay,
  group: GroupRecord,
  { self, now }: Pick<Keeping, 'self' | 'now'>,
): Promise<void> {
  const { id: groupId, revision } = group;
  overlay.put('group', {
    ...group,
    knownRevision: revision,
    standing: 'removed',
    waitingFor: undefined,
    updatedAt: now,
  });
  const row = await overlay.get('groupMember', { groupId, userId: self });
  if (row !== undefined) overlay.put('groupMember', { ...row, leftAt: revision + 1, leftSeenAt: now });
  await endOwnChain(overlay, groupId);
  recordOwn(overlay, group, { type: 'removed', userIds: [self] });
}

/** Whoever was taken as removed is none: the log says so, by a key that came late. */
async function keepReturn(overlay: Overlay, group: GroupRecord, { self }: Keeping): Promise<void> {
  const row = await overlay.get('groupMember', { groupId: group.id, userId: self });
  if (row !== undefined) overlay.put('groupMember', { ...row, leftAt: undefined, leftSeenAt: undefined });
  recordOwn(overlay, group, { type: 'added', userIds: [self] });
}

/** What has become of this user, nobody knows by whom. */
function recordOwn(overlay: Overlay, { id: groupId, revision }: GroupRecord, change: GroupNews): void {
  const chatId = chatOfGroup(groupId);
  overlay.record({ type: 'group.changed', chatId, groupId, revision, by: undefined, changes: [change] });
}

/** What a member has said of a revision before it was read here. */
interface Claim {
  readonly by: UserId;
  readonly revision: number;
  readonly agrees: boolean;
}

/** Holds what a member has said before against what the log came to. */
async function holdAgainst(overlay: Overlay, groupId: GroupId, claim: Claim, now: number): Promise<void> {
  const group = await overlay.get('group', { id: groupId });
  if (group === undefined) return;
  if (claim.agrees) settleByWord(overlay, group, claim);
  else await noteForkByMember(overlay, group, claim, now);
}

/** Keeps one step; what a member has said of it before. */
async function keepStep(
  overlay: Overlay,
  groupId: GroupId,
  step: GroupStep,
  keeping: Keeping,
): Promise<readonly Claim[]> {
  const { at, before, change } = step;
  const { revision } = at.state;
  const claimed = await overlay.get('groupHead', { groupId, revision });
  const said =
    claimed?.saidBy === undefined ? [] : [{ by: claimed.saidBy, revision, agrees: sameBytes(claimed.head, at.head) }];
  overlay.put('groupHead', { groupId, revision, head: at.head, saidBy: undefined });
  if (revision % 64 === 0) overlay.prune({ kind: 'groupHead', groupId, before: revision - headsKept });
  const { added, removed } = membersChanged(before, at.state);
  const come = added.flatMap((userId) => memberOf(at.state, userId) ?? []);
  await keepMembers(overlay, groupId, come, keeping);
  for (const userId of removed) {
    const row = await overlay.get('groupMember', { groupId, userId });
    if (row !== undefined) overlay.put('groupMember', { ...row, leftAt: revision, leftSeenAt: keeping.now });
  }
  if (endsChains(step)) await endOwnChain(overlay, groupId);
  const changes = newsOf(step);
  if (change === undefined || changes.length === 0) return said;
  const chatId = chatOfGroup(groupId);
  overlay.record({ type: 'group.changed', chatId, groupId, revision, by: change.actor.userId, changes });
  if (!hasRole(memberOf(at.state, keeping.self), 'admin')) return said;
  for (const news of changes) {
    if (news.type === 'requested') {
      overlay.record({ type: 'group.requested', chatId, groupId, userId: news.userId });
    }
  }
  return said;
}

/**
 * Keeps what is known of the time between the last state that was read and one that another member gives: who is no member any more has left in it, nobody knows where exactly.
 */
async function keepGap(overlay: Overlay, before: GroupRecord, next: GroupState, now: number): Promise<void> {
  for (const { userId } of stateOf(before)?.members ?? []) {
    if (memberOf(next, userId) !== undefined) continue;
    const row = await overlay.get('groupMember', { groupId: before.id, userId });
    if (row === undefined || row.leftAt !== undefined) continue;
    overlay.put('groupMember', { ...row, leftAt: next.revision, leftSeenAt: now });
  }
  await endOwnChain(overlay, before.id);
}

/** Whoever left knows the chain that this device sends under: the next message comes under another one. */
async function endOwnChain(overlay: Overlay, groupId: GroupId): Promise<void> {
  const chain = await overlay.get('ownChain', { groupId });
  if (chain === undefined) return;
  overlay.delete('ownChain', { groupId });
  overlay.prune({ kind: 'senderKeyShared', distributionId: chain.distributionId });
}

/** Rows of members, and what the group says of people: their profile keys, as long as they have not given them themselves. */
async function keepMembers(
  overlay: Overlay,
  groupId: GroupId,
  members: readonly GroupMember[],
  { self, now, sha256 }: Keeping,
): Promise<void> {
  for (const { userId, joinedAtRevision, profileKey } of members) {
    const row = await overlay.get('groupMember', { groupId, userId });
    if (row === undefined || row.joinedAt !== joinedAtRevision || row.leftAt !== undefined) {
      const id = memberRowId(groupId, userId, sha256);
      overlay.put('groupMember', {
        id,
        groupId,
        userId,
        joinedAt: joinedAtRevision,
        leftAt: undefined,
        leftSeenAt: undefined,
        passedUpTo: row?.passedUpTo ?? 0,
        goneAt: undefined,
      });
    }
    const user = await overlay.get('user', { id: userId });
    if (userId === self || (user !== undefined && (user.profileKey !== undefined || profileKey === undefined)))
      continue;
    overlay.put('user', {
      number: '',
      username: '',
      profileKeyAt: undefined,
      avatarHash: undefined,
      returnsReceipts: false,
      blockedAt: undefined,
      createdAt: now,
      ...user,
      id: userId,
      profileKey,
      updatedAt: now,
    });
  }
}

function standingAfter(before: GroupStanding, steps: readonly GroupStep[], self: UserId): GroupStanding {
  const last = steps.at(-1);
  if (last === undefined) return before;
  if (memberOf(last.at.state, self) !== undefined) return 'member';
  if (memberOf(last.before, self) === undefined) return before;
  return last.change?.actor.userId === self ? 'left' : 'removed';
}

function waitingAfter(
  { waitingFor }: GroupRecord,
  next: GroupAdvance['missing'][number] | undefined,
  now: number,
): GroupRecord['waitingFor'] {
  if (next === undefined) return undefined;
  const isSame = waitingFor?.keyEpoch === next.keyEpoch && sameBytes(waitingFor.keyCommitment, next.keyCommitment);
  return isSame ? waitingFor : { ...next, since: now, asked: 0, askAt: now + keyGraceMs };
}

function fieldsOf(state: GroupState): Pick<GroupRecord, 'state' | 'title' | 'avatar' | 'revision'> {
  return {
    state: encodeState(state),
    title: state.title,
    avatar: state.avatar && toBase64Url(state.avatar.location),
    revision: state.revision,
  };
}

/** Who made it, as far as its members tell. */
function founderOf({ members }: GroupState): UserId | undefined {
  const founders = members.filter(({ joinedAtRevision }) => joinedAtRevision === 1);
  return (founders.find(({ role }) => role === 'owner') ?? members.find(({ role }) => role === 'owner'))?.userId;
}
