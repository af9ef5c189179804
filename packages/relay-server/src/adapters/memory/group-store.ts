import type {
  GroupAppend,
  GroupAppendStatus,
  GroupCaller,
  GroupInvite,
  GroupMembersNow,
  GroupPage,
  GroupPageSize,
  GroupReader,
  GroupRepair,
  GroupRepairStatus,
  GroupSeal,
  GroupStore,
  GroupSummary,
} from '../../ports/group-store.ts';
import type { GroupId, UserId } from '../../ports/ids.ts';
import { avatarAfter } from '../group-avatar-terms.ts';
import {
  type AppendSituation,
  callerAs,
  groupVerdict,
  isMember,
  mayRepair,
  readableOf,
  repairVerdict,
} from '../group-verdict.ts';
import { membersSince } from '../members-version.ts';
import { nameAvatar } from './group-avatars.ts';
import { type GroupState, groupKey } from './group-state.ts';
import type { MemoryState } from './memory-state.ts';

/** Groups in memory: what is here is what every other adapter must do. */
export class MemoryGroupStore implements GroupStore {
  readonly #state: MemoryState;

  constructor(state: MemoryState) {
    this.#state = state;
  }

  async append(append: GroupAppend): Promise<GroupAppendStatus> {
    const { record } = append;
    const group = this.#find(record.groupId);
    const situation: AppendSituation = {
      revision: group?.records.length ?? 0,
      recordThere: group?.records[record.revision - 1],
      lastKey: group?.lastKey,
      checkpointRevision: group?.checkpoint?.revision ?? 0,
      inviteHash: group?.invite?.tokenHash,
      memberCount: group === undefined ? 0 : membersOf(group).length,
      standingOf: (user) => group?.standings.get(user),
      hasEnded: (user) => this.#state.endedUsers.has(user),
    };
    const { status, standings } = groupVerdict(append, situation);
    if (status !== 'appended') return status;
    const avatar = avatarAfter(append, situation, standings);
    const changed = group ?? this.#create(record.groupId);
    changed.records.push(record.bytes.slice());
    changed.lastKey = { keyEpoch: record.keyEpoch, keyCommitment: record.keyCommitment.slice() };
    for (const [user, standing] of standings) changed.standings.set(user, standing);
    if (avatar !== undefined) nameAvatar(this.#state.groupAvatars, record.groupId, avatar, append.at);
    return status;
  }

  async repair(repair: GroupRepair): Promise<GroupRepairStatus> {
    const group = this.#find(repair.groupId);
    if (group === undefined) return 'unknown';
    const { status, standings } = repairVerdict(repair, {
      revision: group.records.length,
      memberCount: membersOf(group).length,
      standingOf: (user) => group.standings.get(user),
      hasEnded: (user) => this.#state.endedUsers.has(user),
    });
    for (const [user, standing] of standings) group.standings.set(user, standing);
    if (membersOf(group).length === 0) nameAvatar(this.#state.groupAvatars, repair.groupId, null, repair.at);
    return status;
  }

  async caller(
    groupId: GroupId,
    { userId, at }: GroupReader,
    shown: Uint8Array | undefined,
  ): Promise<{ readonly as: GroupCaller; readonly revision: number }> {
    const group = this.#find(groupId);
    const invites = { shown, open: group?.invite?.tokenHash };
    return { as: callerAs(group?.standings.get(userId), at, invites), revision: group?.records.length ?? 0 };
  }

  async mayRepair(groupId: GroupId, { userId, at }: GroupReader): Promise<boolean> {
    return mayRepair(this.#find(groupId)?.standings.get(userId), at);
  }

  async records(
    groupId: GroupId,
    reader: GroupReader,
    after: number,
    size: GroupPageSize,
  ): Promise<GroupPage | undefined> {
    const group = this.#find(groupId);
    const range = readableOf(group?.standings.get(reader.userId), group?.records.length ?? 0, reader);
    return group && range && pageOf(group, Math.max(after, range.after), range.last, size);
  }

  async putCheckpoint(
    groupId: GroupId,
    member: UserId,
    checkpoint: GroupSeal,
  ): Promise<'kept' | 'conflict' | 'unknown'> {
    const group = this.#find(groupId);
    if (group === undefined || !isMember(group.standings.get(member))) return 'unknown';
    if (checkpoint.revision > group.records.length) return 'conflict';
    if (checkpoint.revision > (group.checkpoint?.revision ?? 0)) group.checkpoint = checkpoint;
    return 'kept';
  }

  async checkpoint(groupId: GroupId, reader: GroupReader): Promise<GroupSeal | undefined> {
    const group = this.#find(groupId);
    const range = readableOf(group?.standings.get(reader.userId), group?.records.length ?? 0, reader);
    const checkpoint = group?.checkpoint;
    return range && checkpoint && checkpoint.revision <= range.last ? checkpoint : undefined;
  }

  async putInvite(
    groupId: GroupId,
    member: UserId,
    invite: GroupInvite | undefined,
  ): Promise<'kept' | 'conflict' | 'unknown'> {
    const group = this.#find(groupId);
    if (group === undefined || !isMember(group.standings.get(member))) return 'unknown';
    if (invite !== undefined && invite.box.revision > group.records.length) return 'conflict';
    group.invite = invite;
    return 'kept';
  }

  async invited(
    groupId: GroupId,
    tokenHash: Uint8Array,
    after: number,
    size: GroupPageSize,
  ): Promise<{ readonly box: GroupSeal; readonly page: GroupPage } | undefined> {
    const group = this.#find(groupId);
    const invite = group?.invite;
    if (group === undefined || invite === undefined || Buffer.compare(invite.tokenHash, tokenHash) !== 0) {
      return undefined;
    }
    const { box } = invite;
    return { box, page: pageOf(group, Math.max(after, box.revision), group.records.length, size) };
  }

  async members(groupId: GroupId): Promise<readonly UserId[]> {
    const group = this.#find(groupId);
    return group === undefined ? [] : membersOf(group);
  }

  async membersSince(groupId: GroupId, version: string | undefined): Promise<GroupMembersNow | 'unchanged'> {
    return membersSince(await this.members(groupId), version);
  }

  async groupsOf(userId: UserId, after: GroupId | undefined, limit: number): Promise<readonly GroupSummary[]> {
    return [...this.#state.groups.values()]
      .filter(({ standings }) => isMember(standings.get(userId)))
      .filter(({ groupId }) => after === undefined || Buffer.compare(groupId, after) > 0)
      .sort((one, other) => Buffer.compare(one.groupId, other.groupId))
      .slice(0, limit)
      .map(({ groupId, records }) => ({ groupId, revision: records.length }));
  }

  #find(groupId: GroupId): GroupState | undefined {
    return this.#state.groups.get(groupKey(groupId));
  }

  #create(groupId: GroupId): GroupState {
    const group: GroupState = {
      groupId: groupId.slice() as GroupId,
      records: [],
      lastKey: undefined,
      standings: new Map(),
      checkpoint: undefined,
      invite: undefined,
    };
    this.#state.groups.set(groupKey(groupId), group);
    return group;
  }
}

function membersOf({ standings }: GroupState): UserId[] {
  return [...standings].flatMap(([user, standing]) => (isMember(standing) ? [user] : []));
}

function pageOf({ records }: GroupState, after: number, last: number, size: GroupPageSize): GroupPage {
  const page: Uint8Array[] = [];
  let bytes = 0;
  for (const record of records.slice(after, last)) {
    bytes += record.length;
    if (page.length > 0 && (page.length >= size.records || bytes > size.bytes)) break;
    page.push(record);
  }
  return { records: page, firstRevision: after + 1, lastRevision: last };
}
