import type { GroupAvatarPlace } from '../../ports/group-avatar-store.ts';
import type { GroupId } from '../../ports/ids.ts';
import { dueBefore, sweptAtOnce } from '../group-avatar-terms.ts';
import type { CassandraDatabase, CqlRow } from './cassandra-database.ts';
import { avatarAt, type KeptAvatar } from './group-avatar-list.ts';
import type { GroupRows } from './group-rows.ts';

interface EndRow extends CqlRow {
  readonly until: Date;
  readonly group_id: Buffer;
  readonly location: Buffer;
}

interface SlotRow extends CqlRow {
  readonly slot: number;
}

/** What ends in the same ten minutes stands in one partition. */
const slotMs = 10 * 60_000;
/** How long after its end a slot is still kept when nothing stands in it: longer than anybody writes an end that has passed. */
const slackMs = 60 * 60_000;
const writesAtOnce = 32;

/**
 * When avatars end: written before the group says so, and proved by the group when it is read. An end that the group does not know is deleted once it is due, and none that it knows is missing.
 */
export class GroupAvatarEnds {
  readonly #database: CassandraDatabase;
  readonly #rows: GroupRows;
  readonly #realm: string;

  /** Of one realm are all nodes of a relay. */
  constructor(database: CassandraDatabase, rows: GroupRows, realm: string) {
    this.#database = database;
    this.#rows = rows;
    this.#realm = realm;
  }

  /** These are going to end as they say. */
  async expect(groupId: GroupId, avatars: readonly KeptAvatar[]): Promise<void> {
    for (const { location, until } of avatars) {
      if (until === undefined) continue;
      const slot = slotOf(until);
      await this.#database.write('INSERT INTO group_avatar_slot (realm, slot) VALUES (?, ?)', [this.#realm, slot]);
      const cql = 'INSERT INTO group_avatar_end (realm, slot, until, group_id, location) VALUES (?, ?, ?, ?, ?)';
      await this.#database.write(cql, [this.#realm, slot, until, groupId, location]);
    }
  }

  /** Those that are due, the longest ended ones first. Takes away what is in the list for nothing. */
  async due(now: number): Promise<GroupAvatarPlace[]> {
    const before = dueBefore(now);
    const found: GroupAvatarPlace[] = [];
    const cql = 'SELECT slot FROM group_avatar_slot WHERE realm = ? AND slot <= ?';
    for (const { slot } of await this.#database.rows<SlotRow>(cql, [this.#realm, slotOf(before)])) {
      const inSlot = await this.#dueIn(slot, before, sweptAtOnce - found.length);
      found.push(...inSlot);
      if (found.length >= sweptAtOnce) break;
      if (inSlot.length > 0 || (slot + 1) * slotMs + slackMs > before) continue;
      await this.#database.write('DELETE FROM group_avatar_slot WHERE realm = ? AND slot = ?', [this.#realm, slot]);
    }
    return found;
  }

  async #dueIn(slot: number, before: number, limit: number): Promise<GroupAvatarPlace[]> {
    const cql = `SELECT until, group_id, location FROM group_avatar_end
      WHERE realm = ? AND slot = ? AND (until, group_id, location) > (?, ?, ?) AND (until) <= (?) LIMIT ?`;
    const found: GroupAvatarPlace[] = [];
    let last: readonly [number, Uint8Array, Uint8Array] = [0, new Uint8Array(), new Uint8Array()];
    while (found.length < limit) {
      const rows = await this.#database.rows<EndRow>(cql, [this.#realm, slot, ...last, before, writesAtOnce]);
      const places = await Promise.all(rows.map((row) => this.#proved(slot, row)));
      for (const place of places) if (place !== undefined) found.push(place);
      const end = rows.at(-1);
      if (end === undefined || rows.length < writesAtOnce) break;
      last = [end.until.getTime(), end.group_id, end.location];
    }
    return found.slice(0, limit);
  }

  /** The place, if its group says the same; else the end is struck off. */
  async #proved(slot: number, { until, group_id, location }: EndRow): Promise<GroupAvatarPlace | undefined> {
    const groupId = new Uint8Array(group_id) as GroupId;
    const { avatars } = await this.#rows.head(groupId);
    if (avatarAt(avatars, location)?.until === until.getTime()) return { groupId, location: new Uint8Array(location) };
    const cql =
      'DELETE FROM group_avatar_end WHERE realm = ? AND slot = ? AND until = ? AND group_id = ? AND location = ?';
    await this.#database.write(cql, [this.#realm, slot, until.getTime(), group_id, location]);
    return undefined;
  }
}

function slotOf(until: number): number {
  return Math.floor(until / slotMs);
}
