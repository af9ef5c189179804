import type { Statement } from 'better-sqlite3';
import type { GroupAvatarPlace } from '../../ports/group-avatar-store.ts';
import type { GroupId } from '../../ports/ids.ts';
import { dueBefore, endOfReplaced, mostAvatars, sweptAtOnce } from '../group-avatar-terms.ts';
import type { RelayDatabase } from './relay-database.ts';

/** Avatars of groups, row by row. What writes belongs into a transaction. */
export class GroupAvatarRows {
  readonly #end: Statement<[Uint8Array, Uint8Array], { until: number | null }>;
  readonly #put: Statement<[Uint8Array, Uint8Array, number, number]>;
  readonly #prolong: Statement<[number, Uint8Array, Uint8Array]>;
  readonly #count: Statement<[Uint8Array, number], { count: number }>;
  readonly #endOldest: Statement<[number, Uint8Array, Uint8Array, number]>;
  readonly #name: Statement<[Uint8Array, Uint8Array, number]>;
  readonly #replace: Statement<[number, Uint8Array, Uint8Array]>;
  readonly #endAll: Statement<[number, Uint8Array, number]>;
  readonly #due: Statement<[number, number], { groupId: Buffer; location: Buffer }>;
  readonly #remove: Statement<[Uint8Array, Uint8Array]>;

  constructor({ sql }: RelayDatabase) {
    this.#end = sql.prepare('SELECT until FROM group_avatar WHERE group_id = ? AND location = ?');
    this.#put = sql.prepare('INSERT INTO group_avatar (group_id, location, added_at, until) VALUES (?, ?, ?, ?)');
    this.#prolong = sql.prepare('UPDATE group_avatar SET until = ? WHERE group_id = ? AND location = ?');
    this.#count = sql.prepare(
      'SELECT count(*) AS count FROM group_avatar WHERE group_id = ? AND (until IS NULL OR until > ?)',
    );
    this.#endOldest = sql.prepare(
      `UPDATE group_avatar SET until = ? WHERE group_id = ? AND location = (
         SELECT location FROM group_avatar WHERE group_id = ? AND until > ? ORDER BY added_at LIMIT 1)`,
    );
    this.#name = sql.prepare('UPDATE group_avatar SET until = NULL WHERE group_id = ? AND location = ? AND until > ?');
    this.#replace = sql.prepare(
      'UPDATE group_avatar SET until = ? WHERE group_id = ? AND location <> ? AND until IS NULL',
    );
    this.#endAll = sql.prepare('UPDATE group_avatar SET until = ? WHERE group_id = ? AND (until IS NULL OR until > ?)');
    this.#due = sql.prepare(
      'SELECT group_id AS groupId, location FROM group_avatar WHERE until <= ? ORDER BY until LIMIT ?',
    );
    this.#remove = sql.prepare('DELETE FROM group_avatar WHERE group_id = ? AND location = ?');
  }

  /** When it ends; null: it is current; undefined: nothing stands there. */
  endOf({ groupId, location }: GroupAvatarPlace): number | null | undefined {
    return this.#end.get(groupId, location)?.until;
  }

  /** Whether something stands there that has not ended. */
  isKept(place: GroupAvatarPlace, at: number): boolean {
    const until = this.endOf(place);
    return until === null || (until !== undefined && until > at);
  }

  /** Adds one; the oldest that is not current ends when there are too many. */
  add({ groupId, location }: GroupAvatarPlace, at: number, until: number): void {
    const { count } = this.#count.get(groupId, at) ?? { count: 0 };
    if (count >= mostAvatars) this.#endOldest.run(at, groupId, groupId, at);
    this.#put.run(groupId, location, at, until);
  }

  prolong({ groupId, location }: GroupAvatarPlace, until: number): void {
    this.#prolong.run(until, groupId, location);
  }

  /** Makes what stands at a location the current one, if something does; the one before is no more. */
  name(groupId: GroupId, location: Uint8Array | null, at: number): void {
    if (location !== null) this.#name.run(groupId, location, at);
    this.#replace.run(endOfReplaced(at), groupId, location ?? new Uint8Array());
  }

  /** Ends all of a group. */
  endAll(groupId: Uint8Array, at: number): void {
    this.#endAll.run(at, groupId, at);
  }

  due(now: number): GroupAvatarPlace[] {
    const rows = this.#due.all(dueBefore(now), sweptAtOnce);
    return rows.map(({ groupId, location }) => ({ groupId: new Uint8Array(groupId) as GroupId, location }));
  }

  remove({ groupId, location }: GroupAvatarPlace): void {
    this.#remove.run(groupId, location);
  }
}
