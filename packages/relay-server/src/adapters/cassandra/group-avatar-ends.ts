import type { GroupAvatarPlace } from '../../ports/group-avatar-store.ts';
import type { GroupId } from '../../ports/ids.ts';
import { dueBefore, sweptAtOnce } from '../group-avatar-terms.ts';
import type { CassandraDatabase } from './cassandra-database.ts';
import { type DueEntry, DueList } from './due-list.ts';
import { avatarAt, type KeptAvatar } from './group-avatar-list.ts';
import type { GroupRows } from './group-rows.ts';

/** How many groups are asked at once. */
const groupsAtOnce = 32;

/**
 * When avatars end: written before the group says so, and proved by the group when it is due. An end that the group does not know is struck off then, and none that it knows is missing.
 */
export class GroupAvatarEnds {
  readonly #rows: GroupRows;
  readonly #list: DueList;

  /** Of one realm are all nodes of a relay. */
  constructor(database: CassandraDatabase, rows: GroupRows, realm: string) {
    this.#rows = rows;
    this.#list = new DueList(database, realm, { name: 'group-avatar', slotMs: 3_600_000, shards: 4 });
  }

  /** These are going to end as they say. */
  async expect(groupId: GroupId, avatars: readonly KeptAvatar[]): Promise<void> {
    for (const { location, until } of avatars) {
      if (until !== undefined) await this.#list.add({ at: until, item: itemOf({ groupId, location }) });
    }
  }

  /** Those that are due, the longest ended ones first. */
  async due(now: number): Promise<GroupAvatarPlace[]> {
    const end = dueBefore(now);
    for (;;) {
      const entries = await this.#list.before(end + 1, sweptAtOnce);
      const places: GroupAvatarPlace[] = [];
      for (let at = 0; at < entries.length; at += groupsAtOnce) {
        const proved = await Promise.all(entries.slice(at, at + groupsAtOnce).map((entry) => this.#proved(entry)));
        for (const place of proved) if (place !== undefined) places.push(place);
      }
      // What was struck off may have stood before others.
      if (places.length < entries.length && places.length < sweptAtOnce) continue;
      await this.#list.dropEmpty(end);
      return places.slice(0, sweptAtOnce);
    }
  }

  /** The place, if its group says the same; else the end is struck off. */
  async #proved(entry: DueEntry): Promise<GroupAvatarPlace | undefined> {
    const place = placeOf(entry.item);
    const { avatars } = await this.#rows.head(place.groupId);
    if (avatarAt(avatars, place.location)?.until === entry.at) return place;
    await this.#list.remove(entry);
    return undefined;
  }
}

function itemOf({ groupId, location }: GroupAvatarPlace): string {
  return `${Buffer.from(groupId).toString('hex')}.${Buffer.from(location).toString('hex')}`;
}

function placeOf(item: string): GroupAvatarPlace {
  const [groupId = '', location = ''] = item.split('.');
  return {
    groupId: new Uint8Array(Buffer.from(groupId, 'hex')) as GroupId,
    location: new Uint8Array(Buffer.from(location, 'hex')),
  };
}
