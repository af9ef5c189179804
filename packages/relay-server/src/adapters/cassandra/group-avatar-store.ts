import type {
  GroupAvatarPlace,
  GroupAvatarReservation,
  GroupAvatarStore,
  GroupAvatarUpload,
} from '../../ports/group-avatar-store.ts';
import type { GroupReader } from '../../ports/group-store.ts';
import type { GroupId } from '../../ports/ids.ts';
import { isMember } from '../group-verdict.ts';
import type { GroupAvatarEnds } from './group-avatar-ends.ts';
import { avatarAt, isKept, reserved } from './group-avatar-list.ts';
import type { GroupChanges } from './group-changes.ts';
import type { GroupRows } from './group-rows.ts';

/** Which avatars of groups are stored, in Cassandra: a list in the group's own partition, which is the truth, and a table of when they end, which is proved by it. */
export class CassandraGroupAvatarStore implements GroupAvatarStore {
  readonly #rows: GroupRows;
  readonly #changes: GroupChanges;
  readonly #ends: GroupAvatarEnds;

  constructor(parts: { readonly rows: GroupRows; readonly changes: GroupChanges; readonly ends: GroupAvatarEnds }) {
    this.#rows = parts.rows;
    this.#changes = parts.changes;
    this.#ends = parts.ends;
  }

  reserve({ groupId, location, actor, at }: GroupAvatarUpload): Promise<GroupAvatarReservation> {
    return this.#changes.make<GroupAvatarReservation>(groupId, {
      knowsItself: true,
      judge: async (head) => {
        const standings = head.log && (await this.#rows.standings(groupId, [actor]));
        if (standings !== undefined && !isMember(standings.get(actor))) return { result: 'unknown' };
        const { status, avatars } = reserved(head.avatars, location, at);
        return avatars === head.avatars ? { result: status } : { result: status, parts: [], avatars };
      },
    });
  }

  async mayRead({ groupId, location }: GroupAvatarPlace, { userId, at }: GroupReader): Promise<boolean> {
    const { head, standing } = await this.#rows.view(groupId, userId);
    return head.log !== undefined && isMember(standing) && isKept(avatarAt(head.avatars, location), at);
  }

  async mayReadInvited({ groupId, location }: GroupAvatarPlace, tokenHash: Uint8Array, at: number): Promise<boolean> {
    const { log, avatars } = await this.#rows.head(groupId);
    const isInvited = log?.inviteHash !== undefined && Buffer.compare(log.inviteHash, tokenHash) === 0;
    return isInvited && isKept(avatarAt(avatars, location), at);
  }

  due(now: number): Promise<readonly GroupAvatarPlace[]> {
    return this.#ends.due(now);
  }

  async swept(places: readonly GroupAvatarPlace[]): Promise<void> {
    for (const [groupId, locations] of byGroup(places)) {
      await this.#changes.make(groupId, {
        knowsItself: true,
        judge: async ({ log, avatars, endedLogs }) => {
          const left = avatars.filter(({ location }) => !locations.some((one) => Buffer.compare(one, location) === 0));
          if (left.length === avatars.length) return { result: undefined };
          const isEmptied = log === undefined && left.length === 0 && endedLogs.size === 0;
          return { result: undefined, parts: [], avatars: left, isEmptied };
        },
      });
    }
  }
}

function byGroup(places: readonly GroupAvatarPlace[]): Map<GroupId, Uint8Array[]> {
  const groups = new Map<string, { readonly groupId: GroupId; readonly locations: Uint8Array[] }>();
  for (const { groupId, location } of places) {
    const key = Buffer.from(groupId).toString('latin1');
    const { locations } = groups.get(key) ?? { locations: [] };
    groups.set(key, { groupId, locations: [...locations, location] });
  }
  return new Map([...groups.values()].map(({ groupId, locations }) => [groupId, locations]));
}
