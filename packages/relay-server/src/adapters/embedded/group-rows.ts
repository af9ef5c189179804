import type { Statement } from 'better-sqlite3';
import type { GroupRecord } from '../../ports/group-store.ts';
import type { GroupId, UserId } from '../../ports/ids.ts';
import type { GroupStanding } from '../group-verdict.ts';
import { userIdFromBytes, userIdToBytes } from '../user-id-bytes.ts';
import type { GroupAvatarRows } from './group-avatar-rows.ts';
import type { RelayDatabase } from './relay-database.ts';

/** A group's row. */
export interface GroupRow {
  readonly key: number;
  readonly revision: number;
  /** Of the last record. */
  readonly keyEpoch: number;
  readonly keyCommitment: Buffer;
}

interface StandingRow {
  readonly joinedAt: number | null;
  readonly leftAt: number | null;
  readonly removedAt: number | null;
  readonly readsAfter: number;
  readonly usedInvite: Buffer | null;
}

type StandingValues = [
  group: number,
  user: Buffer,
  joinedAt: number | null,
  leftAt: number | null,
  removedAt: number | null,
  readsAfter: number,
  usedInvite: Uint8Array | null,
];

/** Groups and who is in them, row by row. */
export class GroupRows {
  readonly #find: Statement<[Uint8Array], GroupRow>;
  readonly #add: Statement<[Uint8Array, number, Uint8Array, number, number]>;
  readonly #advance: Statement<[number, number, Uint8Array, number, number]>;
  readonly #standing: Statement<[number, Buffer], StandingRow>;
  readonly #putStanding: Statement<StandingValues>;
  readonly #members: Statement<[number], { userId: Buffer }>;
  readonly #countMembers: Statement<[number], { count: number }>;
  readonly #groupsOf: Statement<[Buffer, Uint8Array, number], { groupId: Buffer; revision: number }>;
  readonly #leave: Statement<[Buffer], { key: number }>;
  readonly #idOf: Statement<[number], { id: Buffer }>;
  readonly #removeEmpty: Statement<[number, number]>;
  readonly #avatars: GroupAvatarRows;

  constructor({ sql }: RelayDatabase, avatars: GroupAvatarRows) {
    this.#avatars = avatars;
    this.#find = sql.prepare(
      'SELECT key, revision, key_epoch AS keyEpoch, key_commitment AS keyCommitment FROM "group" WHERE id = ?',
    );
    this.#add = sql.prepare(
      'INSERT INTO "group" (id, revision, key_epoch, key_commitment, created_at, updated_at) VALUES (?, 0, ?, ?, ?, ?)',
    );
    this.#advance = sql.prepare(
      'UPDATE "group" SET revision = ?, key_epoch = ?, key_commitment = ?, updated_at = ? WHERE key = ?',
    );
    this.#standing = sql.prepare(
      `SELECT joined_at AS joinedAt, left_at AS leftAt, removed_at AS removedAt, reads_after AS readsAfter,
         used_invite AS usedInvite FROM user_group WHERE group_key = ? AND user_id = ?`,
    );
    this.#putStanding = sql.prepare(
      `INSERT OR REPLACE INTO user_group (group_key, user_id, joined_at, left_at, removed_at, reads_after, used_invite)
       VALUES (?, ?, ?, ?, ?, ?, ?)`,
    );
    this.#members = sql.prepare(
      'SELECT user_id AS userId FROM user_group WHERE group_key = ? AND joined_at IS NOT NULL AND left_at IS NULL',
    );
    this.#countMembers = sql.prepare(
      'SELECT count(*) AS count FROM user_group WHERE group_key = ? AND joined_at IS NOT NULL AND left_at IS NULL',
    );
    this.#groupsOf = sql.prepare(
      `SELECT "group".id AS groupId, "group".revision FROM user_group JOIN "group" ON "group".key = user_group.group_key
       WHERE user_group.user_id = ? AND joined_at IS NOT NULL AND left_at IS NULL AND "group".id > ?
       ORDER BY "group".id LIMIT ?`,
    );
    this.#leave = sql.prepare('DELETE FROM user_group WHERE user_id = ? RETURNING group_key AS key');
    this.#idOf = sql.prepare('SELECT id FROM "group" WHERE key = ?');
    this.#removeEmpty = sql.prepare(
      'DELETE FROM "group" WHERE key = ? AND NOT EXISTS (SELECT 1 FROM user_group WHERE group_key = ?)',
    );
  }

  find(groupId: GroupId): GroupRow | undefined {
    return this.#find.get(groupId);
  }

  /** A group whose first record is still to come. */
  add({ groupId, keyEpoch, keyCommitment }: GroupRecord, at: number): number {
    return Number(this.#add.run(groupId, keyEpoch, keyCommitment, at, at).lastInsertRowid);
  }

  /** The record is the log's last now. */
  advance(key: number, { revision, keyEpoch, keyCommitment }: GroupRecord, at: number): void {
    this.#advance.run(revision, keyEpoch, keyCommitment, at, key);
  }

  standing(key: number, userId: UserId): GroupStanding | undefined {
    const row = this.#standing.get(key, userIdToBytes(userId));
    if (row === undefined) return undefined;
    const { joinedAt, leftAt, removedAt, readsAfter, usedInvite } = row;
    return {
      joinedAt: joinedAt ?? undefined,
      leftAt: leftAt ?? undefined,
      removedAt: removedAt ?? undefined,
      readsAfter,
      usedInvite: usedInvite ?? undefined,
    };
  }

  putStanding(key: number, userId: UserId, standing: GroupStanding): void {
    const { joinedAt, leftAt, removedAt, readsAfter, usedInvite } = standing;
    const user = userIdToBytes(userId);
    const [joined, left, removed] = [joinedAt ?? null, leftAt ?? null, removedAt ?? null];
    this.#putStanding.run(key, user, joined, left, removed, readsAfter, usedInvite ?? null);
  }

  members(key: number): UserId[] {
    return this.#members.all(key).map(({ userId }) => userIdFromBytes(userId));
  }

  countMembers(key: number): number {
    return this.#countMembers.get(key)?.count ?? 0;
  }

  groupsOf(userId: UserId, after: Uint8Array, limit: number): { groupId: GroupId; revision: number }[] {
    const rows = this.#groupsOf.all(userIdToBytes(userId), after, limit);
    return rows.map(({ groupId, revision }) => ({ groupId: new Uint8Array(groupId) as GroupId, revision }));
  }

  /** Takes somebody out of all groups; those that nobody is left of go with their logs and avatars. */
  leaveAll(userId: UserId, now: number): void {
    for (const { key } of this.#leave.all(userIdToBytes(userId))) {
      const groupId = this.#idOf.get(key)?.id as GroupId | undefined;
      const isGone = this.#removeEmpty.run(key, key).changes > 0;
      if (groupId === undefined) continue;
      if (isGone) this.#avatars.endAll(groupId, now);
      else if (this.countMembers(key) === 0) this.#avatars.name(groupId, null, now);
    }
  }
}
