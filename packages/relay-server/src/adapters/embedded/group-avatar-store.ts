import type { Statement } from 'better-sqlite3';
import type {
  GroupAvatarPlace,
  GroupAvatarReservation,
  GroupAvatarStore,
  GroupAvatarUpload,
} from '../../ports/group-avatar-store.ts';
import type { GroupReader } from '../../ports/group-store.ts';
import { endOfWaiting } from '../group-avatar-terms.ts';
import { isMember } from '../group-verdict.ts';
import type { GroupAvatarRows } from './group-avatar-rows.ts';
import type { GroupRows } from './group-rows.ts';
import type { RelayDatabase } from './relay-database.ts';

/** Which avatars of groups are stored, in SQLite. */
export class EmbeddedGroupAvatarStore implements GroupAvatarStore {
  readonly #database: RelayDatabase;
  readonly #groups: GroupRows;
  readonly #rows: GroupAvatarRows;
  readonly #inviteHash: Statement<[number], { tokenHash: Buffer }>;

  constructor(database: RelayDatabase, groups: GroupRows, rows: GroupAvatarRows) {
    this.#database = database;
    this.#groups = groups;
    this.#rows = rows;
    this.#inviteHash = database.sql.prepare('SELECT token_hash AS tokenHash FROM group_invite WHERE group_key = ?');
  }

  reserve(upload: GroupAvatarUpload): Promise<GroupAvatarReservation> {
    return this.#database.write('other', () => {
      const { groupId, actor, at } = upload;
      const group = this.#groups.find(groupId);
      if (group !== undefined && !isMember(this.#groups.standing(group.key, actor))) return 'unknown';
      const until = this.#rows.endOf(upload);
      if (until === undefined) {
        this.#rows.add(upload, at, endOfWaiting(at));
        return 'reserved';
      }
      if (!this.#rows.isKept(upload, at)) return 'used';
      if (until !== null) this.#rows.prolong(upload, endOfWaiting(at, until));
      return 'repeated';
    });
  }

  mayRead(place: GroupAvatarPlace, { userId, at }: GroupReader): Promise<boolean> {
    return this.#database.read(() => {
      const group = this.#groups.find(place.groupId);
      const isReader = group !== undefined && isMember(this.#groups.standing(group.key, userId));
      return isReader && this.#rows.isKept(place, at);
    });
  }

  mayReadInvited(place: GroupAvatarPlace, tokenHash: Uint8Array, at: number): Promise<boolean> {
    return this.#database.read(() => {
      const group = this.#groups.find(place.groupId);
      const invite = group && this.#inviteHash.get(group.key);
      return invite?.tokenHash.equals(tokenHash) === true && this.#rows.isKept(place, at);
    });
  }

  due(now: number): Promise<readonly GroupAvatarPlace[]> {
    return this.#database.read(() => this.#rows.due(now));
  }

  swept(places: readonly GroupAvatarPlace[]): Promise<void> {
    return this.#database.write('other', () => {
      for (const place of places) this.#rows.remove(place);
    });
  }
}
