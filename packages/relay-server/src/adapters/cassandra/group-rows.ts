import type { GroupMembersNow, GroupRecord, GroupSeal } from '../../ports/group-store.ts';
import type { GroupId, UserId } from '../../ports/ids.ts';
import { RelayError } from '../../relay-error.ts';
import { type GroupStanding, isMember } from '../group-verdict.ts';
import { userIdToBytes } from '../user-id-bytes.ts';
import type { CassandraDatabase, CqlRow } from './cassandra-database.ts';
import { avatarsFromBytes, type KeptAvatar } from './group-avatar-list.ts';

/** A log and what its table of members says in numbers. */
export interface GroupLogHead extends Pick<GroupRecord, 'revision' | 'keyEpoch' | 'keyCommitment'> {
  /** Under which its records stand: another one when a group begins anew under an id that was used before. */
  readonly logId: string;
  readonly memberCount: number;
  /** How many users have a row, members or not. */
  readonly standingCount: number;
  /** Of the checkpoint that is kept; 0 = there is none. */
  readonly checkpointRevision: number;
  readonly inviteHash: Uint8Array | undefined;
}

/** A group as the static part of its partition has it. */
export interface GroupHead {
  /** Another one after each change, never one that was before; `undefined`: nothing is kept. */
  readonly version: string | undefined;
  /** `undefined`: there is no such group, though avatars may be kept for it. */
  readonly log: GroupLogHead | undefined;
  readonly avatars: readonly KeptAvatar[];
  /** Logs of groups that had this id and are no more, with their last revisions: still to be deleted. */
  readonly endedLogs: ReadonlyMap<string, number>;
}

/** A group with what is large in it, as far as it was asked for. */
export interface FullGroupHead extends GroupHead {
  /** The last record of the log. */
  readonly record: Uint8Array | undefined;
  readonly checkpoint: GroupSeal | undefined;
  readonly inviteBox: GroupSeal | undefined;
}

/** A group with the row of one user. */
export interface GroupView {
  readonly head: FullGroupHead;
  readonly standing: GroupStanding | undefined;
}

interface HeadRow extends CqlRow {
  readonly version: unknown;
  readonly log_id: unknown;
  readonly revision: number | null;
  readonly key_epoch: bigint | null;
  readonly key_commitment: Buffer | null;
  readonly member_count: number | null;
  readonly standing_count: number | null;
  readonly checkpoint_revision: number | null;
  readonly invite_hash: Buffer | null;
  readonly avatars: Buffer | null;
  readonly ended_logs: ReadonlyMap<unknown, number> | null;
  readonly record?: Buffer | null;
  readonly checkpoint?: Buffer | null;
  readonly invite_revision?: number | null;
  readonly invite_box?: Buffer | null;
}

interface StandingRow extends CqlRow {
  readonly version: unknown;
  readonly user_id: unknown;
  readonly joined_at: number | null;
  readonly left_at: number | null;
  readonly removed_at: Date | null;
  readonly reads_after: number | null;
  readonly used_invite: Buffer | null;
}

/** What of a group is large, and read by those alone who need it. */
type Large = 'record' | 'checkpoint' | 'invite';

const small =
  'version, log_id, revision, key_epoch, key_commitment, member_count, standing_count, checkpoint_revision, invite_hash, avatars, ended_logs';
const columns: Readonly<Record<Large | 'small', string>> = {
  small,
  record: `${small}, record`,
  checkpoint: `${small}, checkpoint`,
  invite: `${small}, record, invite_revision, invite_box`,
};
const standingColumns = 'user_id, joined_at, left_at, removed_at, reads_after, used_invite';
/** How many rows are asked for in one statement. */
const rowsAtOnce = 200;
/** How often the members are read anew because they have changed meanwhile. */
const readings = 8;
/** The version of a group of which nothing is kept, and so of nobody. */
const noVersion = 'nothing';

/** Reads groups: what one call gives stood there at one time, unless its docstring says otherwise. */
export class GroupRows {
  readonly #database: CassandraDatabase;

  constructor(database: CassandraDatabase) {
    this.#database = database;
  }

  /** A group as it is. */
  async head(groupId: GroupId, large: Large | 'small' = 'small'): Promise<FullGroupHead> {
    // `DISTINCT` gives the static columns also when there is no row.
    const cql = `SELECT DISTINCT ${columns[large]} FROM user_group WHERE group_id = ?`;
    return headOf(await this.#database.row<HeadRow>(cql, [groupId]));
  }

  /** The version after all that was under way has been settled: what is to be asked when nobody knows whether a write was made. */
  async settledVersion(groupId: GroupId): Promise<string | undefined> {
    const cql = 'SELECT DISTINCT version FROM user_group WHERE group_id = ?';
    return uuidOf((await this.#database.row<HeadRow>(cql, [groupId], 'serial'))?.version);
  }

  /** The version as it is, or as it was before a change that has not ended yet. One row of one column. */
  async version(groupId: GroupId): Promise<string> {
    const cql = 'SELECT DISTINCT version FROM user_group WHERE group_id = ?';
    return uuidOf((await this.#database.row<HeadRow>(cql, [groupId]))?.version) ?? noVersion;
  }

  /**
   * A group, with the row of one user: mostly one read.
   * @throws {RelayError} `request-malformed` when the id is no UUID
   */
  async view(groupId: GroupId, userId: UserId, large: Large | 'small' = 'small'): Promise<GroupView> {
    userIdToBytes(userId);
    const cql = `SELECT ${columns[large]}, ${standingColumns} FROM user_group WHERE group_id = ? AND user_id = ?`;
    const row = await this.#database.row<HeadRow & StandingRow>(cql, [groupId, userId]);
    if (row !== undefined) return { head: headOf(row), standing: standingOf(row) };
    return { head: await this.head(groupId, large), standing: undefined };
  }

  /**
   * The rows of some users, those who have one. Read piece by piece: they belong to a version that was read before only if that one is still there afterwards.
   * @throws {RelayError} `request-malformed` when an id is no UUID
   */
  async standings(groupId: GroupId, users: readonly UserId[]): Promise<Map<UserId, GroupStanding>> {
    const cql = `SELECT ${standingColumns} FROM user_group WHERE group_id = ? AND user_id IN ?`;
    for (const userId of users) userIdToBytes(userId);
    const found = new Map<UserId, GroupStanding>();
    for (let at = 0; at < users.length; at += rowsAtOnce) {
      const rows = await this.#database.rows<StandingRow>(cql, [groupId, users.slice(at, at + rowsAtOnce)]);
      for (const row of rows) found.set(String(row.user_id) as UserId, standingOf(row));
    }
    return found;
  }

  /** Who is a member now. Several pages are read until they are of one version. */
  async members(groupId: GroupId): Promise<GroupMembersNow> {
    const cql = 'SELECT version, user_id, joined_at, left_at FROM user_group WHERE group_id = ?';
    for (let reading = 0; reading < readings; reading++) {
      const rows = await this.#database.rows<StandingRow>(cql, [groupId]);
      const [version = noVersion, another] = new Set(rows.map((row) => uuidOf(row.version) ?? noVersion));
      if (another !== undefined) continue;
      // Without any row there is one of the static columns alone.
      const members = rows
        .filter((row) => row.user_id !== null && isMember(standingOf(row)))
        .map(({ user_id }) => String(user_id) as UserId);
      return { version, members };
    }
    throw changesTooFast();
  }

  /**
   * Who is a member now, with a version under which the same members stand always.
   *
   * A write whose node died may stand on one replica alone, and a read may bring its version to others without its rows: members that were read then would be taken for those of that version ever after. So the version is settled first, which brings the whole write to a quorum, and the members have to be of that one.
   */
  async settledMembers(groupId: GroupId): Promise<GroupMembersNow> {
    for (let reading = 0; reading < readings; reading++) {
      const version = (await this.settledVersion(groupId)) ?? noVersion;
      const now = await this.members(groupId);
      if (now.version === version) return now;
    }
    throw changesTooFast();
  }
}

function changesTooFast(): RelayError {
  return new RelayError('store-unavailable', 'a group changes faster than it can be read: try again', {
    retryable: true,
  });
}

function headOf(row: HeadRow | undefined): FullGroupHead {
  if (row === undefined) {
    const nothing = { record: undefined, checkpoint: undefined, inviteBox: undefined };
    return { version: undefined, log: undefined, avatars: [], endedLogs: new Map(), ...nothing };
  }
  return {
    version: uuidOf(row.version),
    log: logOf(row),
    avatars: avatarsFromBytes(row.avatars),
    endedLogs: new Map([...(row.ended_logs ?? [])].map(([logId, revision]) => [String(logId), revision])),
    record: row.record ?? undefined,
    checkpoint: sealOf(row.checkpoint_revision, row.checkpoint),
    inviteBox: sealOf(row.invite_revision, row.invite_box),
  };
}

function logOf(row: HeadRow): GroupLogHead | undefined {
  const { revision, key_epoch, key_commitment } = row;
  const logId = uuidOf(row.log_id);
  if (logId === undefined || revision === null || key_epoch === null || key_commitment === null) return undefined;
  return {
    logId,
    revision,
    keyEpoch: Number(key_epoch),
    keyCommitment: key_commitment,
    memberCount: row.member_count ?? 0,
    standingCount: row.standing_count ?? 0,
    checkpointRevision: row.checkpoint_revision ?? 0,
    inviteHash: row.invite_hash ?? undefined,
  };
}

function sealOf(revision: number | null | undefined, bytes: Buffer | null | undefined): GroupSeal | undefined {
  return revision == null || bytes == null ? undefined : { revision, bytes };
}

function standingOf(row: StandingRow): GroupStanding {
  return {
    joinedAt: row.joined_at ?? undefined,
    leftAt: row.left_at ?? undefined,
    removedAt: row.removed_at?.getTime(),
    readsAfter: row.reads_after ?? 0,
    usedInvite: row.used_invite ?? undefined,
  };
}

function uuidOf(value: unknown): string | undefined {
  return value === null || value === undefined ? undefined : String(value);
}
