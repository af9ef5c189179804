import type { GroupAvatarPlace } from '../../ports/group-avatar-store.ts';
import type { GroupId } from '../../ports/ids.ts';
import { endOfReplaced } from '../group-avatar-terms.ts';
import { byteKey, sameBytes } from './byte-key.ts';

/** An avatar of a group as it is kept in memory. */
export interface GroupAvatarRecord extends GroupAvatarPlace {
  readonly addedAt: number;
  /** Undefined: it is current. */
  readonly until: number | undefined;
}

/** Where an avatar stands, as a key of a Map. */
export function avatarKey({ groupId, location }: GroupAvatarPlace): string {
  return `${byteKey(groupId)} ${byteKey(location)}`;
}

/** Whether an avatar has not ended. */
export function isKept(avatar: GroupAvatarRecord | undefined, at: number): boolean {
  return avatar !== undefined && (avatar.until === undefined || avatar.until > at);
}

/** The avatars of one group, the oldest first. */
export function avatarsOf(avatars: ReadonlyMap<string, GroupAvatarRecord>, groupId: GroupId): GroupAvatarRecord[] {
  const own = [...avatars.values()].filter((avatar) => sameBytes(avatar.groupId, groupId));
  return own.sort((one, other) => one.addedAt - other.addedAt);
}

/** Makes what stands at a location a group's current avatar, if something does; the one before is no more. */
export function nameAvatar(
  avatars: Map<string, GroupAvatarRecord>,
  groupId: GroupId,
  location: Uint8Array | null,
  at: number,
): void {
  const key = location && avatarKey({ groupId, location });
  for (const avatar of avatarsOf(avatars, groupId)) {
    const own = avatarKey(avatar);
    if (own === key) {
      if (isKept(avatar, at)) avatars.set(own, { ...avatar, until: undefined });
    } else if (avatar.until === undefined) avatars.set(own, { ...avatar, until: endOfReplaced(at) });
  }
}

/** Ends all avatars of a group. */
export function endAvatars(avatars: Map<string, GroupAvatarRecord>, groupId: GroupId, at: number): void {
  for (const avatar of avatarsOf(avatars, groupId)) {
    if (isKept(avatar, at)) avatars.set(avatarKey(avatar), { ...avatar, until: at });
  }
}
