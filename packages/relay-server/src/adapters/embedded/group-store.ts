import type { Statement } from 'better-sqlite3';
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
import type { GroupAvatarRows } from './group-avatar-rows.ts';
import type { GroupRow, GroupRows } from './group-rows.ts';
import type { OwnerRows } from './owner-rows.ts';
import type { RelayDatabase } from './relay-database.ts';

interface SealRow {
  readonly revision: number;
  readonly bytes: Buffer;
}

/** Groups in SQLite: the log, the table of members, the newest checkpoint and the open invite of each. */
export class EmbeddedGroupStore implements GroupStore {
  readonly #database: RelayDatabase;
  readonly #rows: GroupRows;
  readonly #avatars: GroupAvatarRows;
  readonly #owners: OwnerRows;
  readonly #record: Statement<[number, number], { record: Buffer }>;
  readonly #append: Statement<[number, number, Uint8Array]>;
  readonly #log: Statement<[number, number, number, number], { record: Buffer }>;
  readonly #checkpoint: Statement<[number], SealRow>;
  readonly #checkpointRevision: Statement<[number], { revision: number }>;
  readonly #putCheckpoint: Statement<[number, number, Uint8Array]>;
  readonly #invite: Statement<[number], SealRow & { readonly tokenHash: Buffer }>;
  readonly #inviteHash: Statement<[number], { tokenHash: Buffer }>;
  readonly #putInvite: Statement<[number, Uint8Array, number, Uint8Array]>;
  readonly #closeInvite: Statement<[number]>;

  constructor(
    database: RelayDatabase,
    rows: { readonly groups: GroupRows; readonly avatars: GroupAvatarRows; readonly owners: OwnerRows },
  ) {
    const { sql } = database;
    this.#database = database;
    this.#rows = rows.groups;
    this.#avatars = rows.avatars;
    this.#owners = rows.owners;
    this.#record = sql.prepare('SELECT record FROM group_record WHERE group_key = ? AND revision = ?');
    this.#append = sql.prepare('INSERT INTO group_record (group_key, revision, record) VALUES (?, ?, ?)');
    this.#log = sql.prepare(
      'SELECT record FROM group_record WHERE group_key = ? AND revision > ? AND revision <= ? ORDER BY revision LIMIT ?',
    );
    this.#checkpoint = sql.prepare('SELECT revision, sealed AS bytes FROM group_checkpoint WHERE group_key = ?');
    this.#checkpointRevision = sql.prepare('SELECT revision FROM group_checkpoint WHERE group_key = ?');
    this.#putCheckpoint = sql.prepare(
      `INSERT INTO group_checkpoint (group_key, revision, sealed) VALUES (?, ?, ?)
       ON CONFLICT (group_key) DO UPDATE SET revision = excluded.revision, sealed = excluded.sealed
       WHERE excluded.revision > group_checkpoint.revision`,
    );
    this.#invite = sql.prepare(
      'SELECT token_hash AS tokenHash, revision, sealed AS bytes FROM group_invite WHERE group_key = ?',
    );
    this.#inviteHash = sql.prepare('SELECT token_hash AS tokenHash FROM group_invite WHERE group_key = ?');
    this.#putInvite = sql.prepare(
      'INSERT OR REPLACE INTO group_invite (group_key, token_hash, revision, sealed) VALUES (?, ?, ?, ?)',
    );
    this.#closeInvite = sql.prepare('DELETE FROM group_invite WHERE group_key = ?');
  }

  append(append: GroupAppend): Promise<GroupAppendStatus> {
    return this.#database.write('group-record', () => {
      const { record, at } = append;
      const { groupId, revision, bytes } = record;
      const group = this.#rows.find(groupId);
      const { key: found = 0 } = group ?? {};
      const situation: AppendSituation = {
        revision: group?.revision ?? 0,
        recordThere: this.#record.get(found, revision)?.record,
        lastKey: group,
        checkpointRevision: this.#checkpointRevision.get(found)?.revision ?? 0,
        inviteHash: this.#inviteHash.get(found)?.tokenHash,
        memberCount: this.#rows.countMembers(found),
        standingOf: (user) => this.#rows.standing(found, user),
        hasEnded: (user) => this.#owners.hasEnded(user),
      };
      const { status, standings } = groupVerdict(append, situation);
      if (status !== 'appended') return status;
      // Before the rows change: it asks who is a member until now.
      const avatar = avatarAfter(append, situation, standings);
      const key = group?.key ?? this.#rows.add(record, at);
      this.#append.run(key, revision, bytes);
      this.#rows.advance(key, record, at);
      for (const [user, standing] of standings) this.#rows.putStanding(key, user, standing);
      if (avatar !== undefined) this.#avatars.name(groupId, avatar, at);
      return status;
    });
  }

  repair(repair: GroupRepair): Promise<GroupRepairStatus> {
    return this.#database.write('other', () => {
      const group = this.#rows.find(repair.groupId);
      if (group === undefined) return 'unknown';
      const { status, standings } = repairVerdict(repair, {
        revision: group.revision,
        memberCount: this.#rows.countMembers(group.key),
        standingOf: (user) => this.#rows.standing(group.key, user),
        hasEnded: (user) => this.#owners.hasEnded(user),
      });
      for (const [user, standing] of standings) this.#rows.putStanding(group.key, user, standing);
      if (this.#rows.countMembers(group.key) === 0) this.#avatars.name(repair.groupId, null, repair.at);
      return status;
    });
  }

  caller(
    groupId: GroupId,
    { userId, at }: GroupReader,
    shown: Uint8Array | undefined,
  ): Promise<{ readonly as: GroupCaller; readonly revision: number }> {
    return this.#database.read(() => {
      const group = this.#rows.find(groupId);
      if (group === undefined) return { as: 'nobody', revision: 0 };
      const invites = { shown, open: this.#inviteHash.get(group.key)?.tokenHash };
      return { as: callerAs(this.#rows.standing(group.key, userId), at, invites), revision: group.revision };
    });
  }

  mayRepair(groupId: GroupId, { userId, at }: GroupReader): Promise<boolean> {
    return this.#database.read(() => {
      const group = this.#rows.find(groupId);
      return group !== undefined && mayRepair(this.#rows.standing(group.key, userId), at);
    });
  }

  records(groupId: GroupId, reader: GroupReader, after: number, size: GroupPageSize): Promise<GroupPage | undefined> {
    return this.#database.read(() => {
      const group = this.#rows.find(groupId);
      if (group === undefined) return undefined;
      const range = readableOf(this.#rows.standing(group.key, reader.userId), group.revision, reader);
      return range && this.#page(group.key, Math.max(after, range.after), range.last, size);
    });
  }

  putCheckpoint(groupId: GroupId, member: UserId, checkpoint: GroupSeal): Promise<'kept' | 'conflict' | 'unknown'> {
    return this.#database.write('other', () => {
      const group = this.#ofMember(groupId, member);
      if (group === undefined) return 'unknown';
      if (checkpoint.revision > group.revision) return 'conflict';
      this.#putCheckpoint.run(group.key, checkpoint.revision, checkpoint.bytes);
      return 'kept';
    });
  }

  checkpoint(groupId: GroupId, reader: GroupReader): Promise<GroupSeal | undefined> {
    return this.#database.read(() => {
      const group = this.#rows.find(groupId);
      if (group === undefined) return undefined;
      const range = readableOf(this.#rows.standing(group.key, reader.userId), group.revision, reader);
      const checkpoint = this.#checkpoint.get(group.key);
      return range && checkpoint && checkpoint.revision <= range.last ? checkpoint : undefined;
    });
  }

  putInvite(
    groupId: GroupId,
    member: UserId,
    invite: GroupInvite | undefined,
  ): Promise<'kept' | 'conflict' | 'unknown'> {
    return this.#database.write('other', () => {
      const group = this.#ofMember(groupId, member);
      if (group === undefined) return 'unknown';
      if (invite === undefined) {
        this.#closeInvite.run(group.key);
        return 'kept';
      }
      const { tokenHash, box } = invite;
      if (box.revision > group.revision) return 'conflict';
      this.#putInvite.run(group.key, tokenHash, box.revision, box.bytes);
      return 'kept';
    });
  }

  invited(
    groupId: GroupId,
    tokenHash: Uint8Array,
    after: number,
    size: GroupPageSize,
  ): Promise<{ readonly box: GroupSeal; readonly page: GroupPage } | undefined> {
    return this.#database.read(() => {
      const group = this.#rows.find(groupId);
      const invite = group && this.#invite.get(group.key);
      if (group === undefined || invite === undefined || !invite.tokenHash.equals(tokenHash)) return undefined;
      const { revision, bytes } = invite;
      const page = this.#page(group.key, Math.max(after, revision), group.revision, size);
      return { box: { revision, bytes }, page };
    });
  }

  members(groupId: GroupId): Promise<readonly UserId[]> {
    return this.#database.read(() => {
      const group = this.#rows.find(groupId);
      return group === undefined ? [] : this.#rows.members(group.key);
    });
  }

  async membersSince(groupId: GroupId, version: string | undefined): Promise<GroupMembersNow | 'unchanged'> {
    return membersSince(await this.members(groupId), version);
  }

  groupsOf(userId: UserId, after: GroupId | undefined, limit: number): Promise<readonly GroupSummary[]> {
    return this.#database.read(() => this.#rows.groupsOf(userId, after ?? new Uint8Array(), limit));
  }

  #ofMember(groupId: GroupId, member: UserId): GroupRow | undefined {
    const group = this.#rows.find(groupId);
    return group !== undefined && isMember(this.#rows.standing(group.key, member)) ? group : undefined;
  }

  /** Row by row, so that no more is read than the page holds. */
  #page(key: number, after: number, last: number, size: GroupPageSize): GroupPage {
    const records: Uint8Array[] = [];
    let bytes = 0;
    for (const { record } of this.#log.iterate(key, after, last, Math.max(1, size.records))) {
      bytes += record.length;
      if (records.length > 0 && bytes > size.bytes) break;
      records.push(record);
    }
    return { records, firstRevision: after + 1, lastRevision: last };
  }
}
