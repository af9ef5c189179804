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
import { RelayError } from '../../relay-error.ts';
import { avatarAfter } from '../group-avatar-terms.ts';
import {
  type AppendSituation,
  callerAs,
  type GroupSituation,
  type GroupStanding,
  groupVerdict,
  isMember,
  mayRepair,
  membersAfter,
  readableOf,
  repairVerdict,
} from '../group-verdict.ts';
import { named } from './group-avatar-list.ts';
import {
  advanced,
  counted,
  type GroupChanges,
  type GroupJudgement,
  type GroupPart,
  withCheckpoint,
  withInvite,
} from './group-changes.ts';
import type { GroupLogRows } from './group-log-rows.ts';
import type { FullGroupHead, GroupHead, GroupRows } from './group-rows.ts';
import type { GroupsByUserRows } from './groups-by-user-rows.ts';

/** Of these users those whose accounts have ended, as the last write that was acknowledged anywhere has it. */
export type EndedAmong = (userIds: readonly UserId[]) => Promise<ReadonlySet<UserId>>;

/** How many groups are looked up at once. */
const groupsAtOnce = 32;
/** How often a log is read anew because it was deleted, and another one begun, meanwhile. */
const readings = 3;

type Seen = { readonly at: FullGroupHead; readonly standings: ReadonlyMap<UserId, GroupStanding> };

/**
 * Groups in Cassandra.
 *
 * The truth of a group is its partition of `user_group`: who stands in it, and in static columns its version, the number and the bytes of its log's last record, checkpoint, open invite and avatars. Each call that writes changes all of that in one conditional batch on the version, or nothing.
 * Of two nodes that append at once one's condition fails; it reads again and finds out what that means (mostly `conflict`).
 *
 * What a crash leaves between the steps of an append: a note in `groups_by_user` that somebody might stand in the group; an end of an avatar in `due` that the group denies; the last record in `group_log` as well as in the group. Each is what the next one would write, or is passed over by who reads. Behind the batch there is no step.
 */
export class CassandraGroupStore implements GroupStore {
  readonly #rows: GroupRows;
  readonly #changes: GroupChanges;
  readonly #log: GroupLogRows;
  readonly #index: GroupsByUserRows;
  readonly #endedAmong: EndedAmong;

  constructor(parts: {
    readonly rows: GroupRows;
    readonly changes: GroupChanges;
    readonly log: GroupLogRows;
    readonly index: GroupsByUserRows;
    readonly endedAmong: EndedAmong;
  }) {
    this.#rows = parts.rows;
    this.#changes = parts.changes;
    this.#log = parts.log;
    this.#index = parts.index;
    this.#endedAmong = parts.endedAmong;
  }

  append(append: GroupAppend): Promise<GroupAppendStatus> {
    const { groupId } = append.record;
    return this.#changes.make(groupId, {
      needsRecord: true,
      knowsItself: true,
      judge: (head) => this.#judgeAppend(append, head),
    });
  }

  repair(repair: GroupRepair): Promise<GroupRepairStatus> {
    const { groupId, actor, added, removed, at } = repair;
    return this.#changes.make<GroupRepairStatus>(groupId, {
      judge: async (head) => {
        if (head.log === undefined) return { result: 'unknown' };
        const seen = { at: head, standings: await this.#rows.standings(groupId, once([actor, ...added, ...removed])) };
        const situation = situationOf(seen, await this.#endedAmong(once(added)));
        const { status, standings } = repairVerdict(repair, situation);
        if (standings.size === 0) return { result: status };
        if (!(await this.#note(groupId, seen, standings))) return 'again';
        const isEmpty = membersAfter(standings, situation) === 0;
        const avatars = isEmpty ? { avatars: named(head.avatars, null, at) } : {};
        return { result: status, parts: partsOf(seen, standings, situation), ...avatars };
      },
    });
  }

  async caller(
    groupId: GroupId,
    { userId, at }: GroupReader,
    shown: Uint8Array | undefined,
  ): Promise<{ readonly as: GroupCaller; readonly revision: number }> {
    const { head, standing } = await this.#rows.view(groupId, userId);
    const invites = { shown, open: head.log?.inviteHash };
    return { as: callerAs(standing, at, invites), revision: head.log?.revision ?? 0 };
  }

  async mayRepair(groupId: GroupId, { userId, at }: GroupReader): Promise<boolean> {
    return mayRepair((await this.#rows.view(groupId, userId)).standing, at);
  }

  records(groupId: GroupId, reader: GroupReader, after: number, size: GroupPageSize): Promise<GroupPage | undefined> {
    return this.#reading(async () => {
      const { head, standing } = await this.#rows.view(groupId, reader.userId, 'record');
      const range = readableOf(standing, head.log?.revision ?? 0, reader);
      const page = range && (() => this.#page(head, Math.max(after, range.after), range.last, size));
      return { logId: head.log?.logId, page };
    });
  }

  putCheckpoint(groupId: GroupId, member: UserId, checkpoint: GroupSeal): Promise<'kept' | 'conflict' | 'unknown'> {
    return this.#changes.make<'kept' | 'conflict' | 'unknown'>(groupId, {
      knowsItself: true,
      judge: async (head) => {
        const log = await this.#logOf(groupId, head, member);
        if (log === undefined) return { result: 'unknown' };
        if (checkpoint.revision > log.revision) return { result: 'conflict' };
        if (checkpoint.revision <= log.checkpointRevision) return { result: 'kept' };
        return { result: 'kept', parts: [withCheckpoint(checkpoint)] };
      },
    });
  }

  async checkpoint(groupId: GroupId, reader: GroupReader): Promise<GroupSeal | undefined> {
    const { head, standing } = await this.#rows.view(groupId, reader.userId, 'checkpoint');
    const range = readableOf(standing, head.log?.revision ?? 0, reader);
    const { checkpoint } = head;
    return range && checkpoint && checkpoint.revision <= range.last ? checkpoint : undefined;
  }

  putInvite(
    groupId: GroupId,
    member: UserId,
    invite: GroupInvite | undefined,
  ): Promise<'kept' | 'conflict' | 'unknown'> {
    return this.#changes.make<'kept' | 'conflict' | 'unknown'>(groupId, {
      judge: async (head) => {
        const log = await this.#logOf(groupId, head, member);
        if (log === undefined) return { result: 'unknown' };
        if (invite !== undefined && invite.box.revision > log.revision) return { result: 'conflict' };
        return { result: 'kept', parts: [withInvite(invite)] };
      },
    });
  }

  async invited(
    groupId: GroupId,
    tokenHash: Uint8Array,
    after: number,
    size: GroupPageSize,
  ): Promise<{ readonly box: GroupSeal; readonly page: GroupPage } | undefined> {
    let box: GroupSeal | undefined;
    const page = await this.#reading(async () => {
      const head = await this.#rows.head(groupId, 'invite');
      const { log, inviteBox } = head;
      if (log?.inviteHash === undefined || inviteBox === undefined) return undefined;
      if (Buffer.compare(log.inviteHash, tokenHash) !== 0) return undefined;
      box = inviteBox;
      const from = Math.max(after, inviteBox.revision);
      return { logId: log.logId, page: () => this.#page(head, from, log.revision, size) };
    });
    return page && box && { box, page };
  }

  async members(groupId: GroupId): Promise<readonly UserId[]> {
    return (await this.#rows.members(groupId)).members;
  }

  async membersSince(groupId: GroupId, version: string | undefined): Promise<GroupMembersNow | 'unchanged'> {
    if (version !== undefined && version === (await this.#rows.version(groupId))) return 'unchanged';
    return this.#rows.settledMembers(groupId);
  }

  async groupsOf(userId: UserId, after: GroupId | undefined, limit: number): Promise<readonly GroupSummary[]> {
    const found: GroupSummary[] = [];
    let last: Uint8Array = after ?? new Uint8Array();
    while (found.length < limit) {
      const groupIds = await this.#index.of(userId, last, groupsAtOnce);
      const views = await Promise.all(groupIds.map((groupId) => this.#rows.view(groupId, userId)));
      for (const [at, { head, standing }] of views.entries()) {
        const groupId = groupIds[at];
        if (groupId === undefined || head.log === undefined || !isMember(standing)) continue;
        found.push({ groupId, revision: head.log.revision });
      }
      const end = groupIds.at(-1);
      if (end === undefined || groupIds.length < groupsAtOnce) break;
      last = end;
    }
    return found.slice(0, limit);
  }

  async #judgeAppend(append: GroupAppend, head: FullGroupHead): Promise<GroupJudgement<GroupAppendStatus> | 'again'> {
    const { record, actor, added, removed, at } = append;
    const { groupId } = record;
    const { log } = head;
    const users = once([actor, ...added, ...removed]);
    const standings = log === undefined ? new Map() : await this.#rows.standings(groupId, users);
    const seen = { at: head, standings };
    const situation: AppendSituation = {
      ...situationOf(seen, await this.#endedAmong(once([actor, ...added]))),
      recordThere: await this.#recordAt(head, record.revision),
      lastKey: log,
      checkpointRevision: log?.checkpointRevision ?? 0,
      inviteHash: log?.inviteHash,
    };
    const verdict = groupVerdict(append, situation);
    if (verdict.status !== 'appended') return { result: verdict.status };
    if (!(await this.#note(groupId, seen, verdict.standings))) return 'again';
    if (log !== undefined && head.record !== undefined) await this.#log.put(log.logId, log.revision, head.record);
    const avatar = avatarAfter(append, situation, verdict.standings);
    return {
      result: verdict.status,
      parts: [advanced(record, { log, at }), ...partsOf(seen, verdict.standings, situation)],
      ...(avatar !== undefined && { avatars: named(head.avatars, avatar, at) }),
    };
  }

  async #recordAt({ log, record }: FullGroupHead, revision: number): Promise<Uint8Array | undefined> {
    if (log === undefined || revision > log.revision) return undefined;
    return revision === log.revision ? record : this.#log.get(log.logId, revision);
  }

  /** Notes where users who are new here will stand; false when the account of one has ended by then. */
  async #note(groupId: GroupId, seen: Seen, standings: ReadonlyMap<UserId, GroupStanding>): Promise<boolean> {
    const comers = newcomers(seen, standings);
    if (comers.length === 0) return true;
    await this.#index.note(comers, groupId);
    return (await this.#endedAmong(comers)).size === 0;
  }

  async #logOf(groupId: GroupId, { log }: GroupHead, member: UserId): Promise<GroupHead['log']> {
    if (log === undefined) return undefined;
    return isMember((await this.#rows.standings(groupId, [member])).get(member)) ? log : undefined;
  }

  /** A page of the log that was there when it was read: if a record is missing the group may have ended meanwhile. */
  async #reading(
    look: () => Promise<
      { readonly logId: string | undefined; readonly page: (() => Promise<GroupPage>) | undefined } | undefined
    >,
  ): Promise<GroupPage | undefined> {
    let failure: unknown;
    let logId: string | undefined;
    for (let reading = 0; reading < readings; reading++) {
      const seen = await look();
      if (seen?.page === undefined) return undefined;
      if (failure !== undefined && seen.logId === logId) break;
      logId = seen.logId;
      try {
        return await seen.page();
      } catch (error) {
        if (!(error instanceof RelayError && error.code === 'store-corrupt')) throw error;
        failure = error;
      }
    }
    throw failure;
  }

  async #page({ log, record }: FullGroupHead, after: number, last: number, size: GroupPageSize): Promise<GroupPage> {
    const records: Uint8Array[] = [];
    let bytes = 0;
    if (log !== undefined) {
      for await (const each of this.#log.between(log, record, after, last)) {
        bytes += each.length;
        if (records.length > 0 && (records.length >= size.records || bytes > size.bytes)) break;
        records.push(each);
      }
    }
    return { records, firstRevision: after + 1, lastRevision: last };
  }
}

function once(users: readonly UserId[]): UserId[] {
  return [...new Set(users)];
}

function situationOf({ at: { log }, standings }: Seen, ended: ReadonlySet<UserId>): GroupSituation {
  return {
    revision: log?.revision ?? 0,
    memberCount: log?.memberCount ?? 0,
    standingOf: (user) => standings.get(user),
    hasEnded: (user) => ended.has(user),
  };
}

function newcomers({ standings: known }: Seen, standings: ReadonlyMap<UserId, GroupStanding>): UserId[] {
  return [...standings.keys()].filter((user) => !known.has(user));
}

/** The rows that change, and how many there are then. */
function partsOf(seen: Seen, standings: ReadonlyMap<UserId, GroupStanding>, situation: GroupSituation): GroupPart[] {
  const standingCount = (seen.at.log?.standingCount ?? 0) + newcomers(seen, standings).length;
  const rows = [...standings].map(([user, standing]) => ({
    put: standing,
    of: user,
    isNew: !seen.standings.has(user),
  }));
  return [counted(membersAfter(standings, situation), standingCount), ...rows];
}
