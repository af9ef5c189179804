import type {
  GroupAvatarPlace,
  GroupAvatarReservation,
  GroupAvatarStore,
  GroupAvatarUpload,
} from '../../ports/group-avatar-store.ts';
import type { GroupReader } from '../../ports/group-store.ts';
import { dueBefore, endOfWaiting, mostAvatars, sweptAtOnce } from '../group-avatar-terms.ts';
import { isMember } from '../group-verdict.ts';
import { sameBytes } from './byte-key.ts';
import { avatarKey, avatarsOf, isKept } from './group-avatars.ts';
import { groupKey } from './group-state.ts';
import type { MemoryState } from './memory-state.ts';

/** Which avatars of groups are stored, in memory: what is here is what every other adapter must do. */
export class MemoryGroupAvatarStore implements GroupAvatarStore {
  readonly #state: MemoryState;

  constructor(state: MemoryState) {
    this.#state = state;
  }

  async reserve({ groupId, location, actor, at }: GroupAvatarUpload): Promise<GroupAvatarReservation> {
    const { groups, groupAvatars } = this.#state;
    const group = groups.get(groupKey(groupId));
    if (group !== undefined && !isMember(group.standings.get(actor))) return 'unknown';
    const key = avatarKey({ groupId, location });
    const there = groupAvatars.get(key);
    if (there !== undefined) {
      if (!isKept(there, at)) return 'used';
      if (there.until !== undefined) groupAvatars.set(key, { ...there, until: endOfWaiting(at, there.until) });
      return 'repeated';
    }
    const kept = avatarsOf(groupAvatars, groupId).filter((avatar) => isKept(avatar, at));
    const oldest = kept.length < mostAvatars ? undefined : kept.find(({ until }) => until !== undefined);
    if (oldest !== undefined) groupAvatars.set(avatarKey(oldest), { ...oldest, until: at });
    groupAvatars.set(key, {
      groupId: groupId.slice() as typeof groupId,
      location: location.slice(),
      addedAt: at,
      until: endOfWaiting(at),
    });
    return 'reserved';
  }

  async mayRead(place: GroupAvatarPlace, { userId, at }: GroupReader): Promise<boolean> {
    const { groups, groupAvatars } = this.#state;
    const group = groups.get(groupKey(place.groupId));
    return isMember(group?.standings.get(userId)) && isKept(groupAvatars.get(avatarKey(place)), at);
  }

  async mayReadInvited(place: GroupAvatarPlace, tokenHash: Uint8Array, at: number): Promise<boolean> {
    const { groups, groupAvatars } = this.#state;
    const invite = groups.get(groupKey(place.groupId))?.invite;
    const isInvited = invite !== undefined && sameBytes(invite.tokenHash, tokenHash);
    return isInvited && isKept(groupAvatars.get(avatarKey(place)), at);
  }

  async due(now: number): Promise<readonly GroupAvatarPlace[]> {
    const ended = [...this.#state.groupAvatars.values()].flatMap(({ until, groupId, location }) =>
      until !== undefined && until <= dueBefore(now) ? [{ until, groupId, location }] : [],
    );
    return ended
      .sort((one, other) => one.until - other.until)
      .slice(0, sweptAtOnce)
      .map(({ groupId, location }) => ({ groupId, location }));
  }

  async swept(places: readonly GroupAvatarPlace[]): Promise<void> {
    for (const place of places) this.#state.groupAvatars.delete(avatarKey(place));
  }
}
