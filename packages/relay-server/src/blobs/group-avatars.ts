import { hashOfToken, readToken } from '../auth/token.ts';
import { unknownGroup } from '../groups/group-log.ts';
import type { GroupRoster } from '../groups/group-roster.ts';
import type { Limits } from '../limits/limits.ts';
import type { BlobStore } from '../ports/blob-store.ts';
import type { Clock } from '../ports/clock.ts';
import type { GroupAvatarPlace, GroupAvatarStore } from '../ports/group-avatar-store.ts';
import type { UserId } from '../ports/ids.ts';
import { RelayError } from '../relay-error.ts';

/** What `GroupAvatars` works with. */
export interface GroupAvatarParts {
  readonly groupAvatars: GroupAvatarStore;
  readonly blobs: BlobStore;
  readonly roster: GroupRoster;
  readonly limits: Limits;
  readonly clock: Clock;
}

/**
 * Encrypted pictures of groups. The relay keeps where they stand and which one members say is current: what they show, and whether whoever said so was allowed to, is for members to judge.
 *
 * Who may not read of a group is answered as if there were none: `group-unknown`.
 */
export class GroupAvatars {
  readonly #parts: GroupAvatarParts;

  constructor(parts: GroupAvatarParts) {
    this.#parts = parts;
  }

  /**
   * Stores one where nothing else stands; the same bytes again are success.
   * @throws {RelayError} `group-unknown`, `avatar-location-used`, `rate-limited`
   */
  async put(place: GroupAvatarPlace, actor: UserId, bytes: Uint8Array): Promise<void> {
    const { groupAvatars, blobs, roster, limits, clock } = this.#parts;
    await limits.takeGroupAvatarBy(actor);
    const members = await roster.members(place.groupId);
    if (members.size > 0 && !members.has(actor)) throw unknownGroup();
    // Only by members: nobody else uses a group's share up.
    await limits.takeGroupAvatarOf(place.groupId);
    const reservation = await groupAvatars.reserve({ ...place, actor, at: clock.now() });
    if (reservation === 'unknown') throw unknownGroup();
    if (reservation === 'used') throw usedLocation();
    if (reservation === 'repeated') {
      const there = await blobs.get(keyOf(place));
      if (there !== undefined && Buffer.compare(there, bytes) !== 0) throw usedLocation();
      if (there !== undefined) return;
    }
    await blobs.put(keyOf(place), bytes);
  }

  /**
   * One for a member.
   * @throws {RelayError} `group-unknown`, `not-found`
   */
  async get(place: GroupAvatarPlace, userId: UserId): Promise<Uint8Array> {
    const { groupAvatars, roster, clock } = this.#parts;
    if (!(await roster.members(place.groupId)).has(userId)) throw unknownGroup();
    const mayRead = await groupAvatars.mayRead(place, { userId, at: clock.now() });
    return this.#read(place, mayRead);
  }

  /**
   * One for whoever has a link.
   * @throws {RelayError} `request-malformed`, `not-found`: also when no such invite is open
   */
  async getInvited(place: GroupAvatarPlace, inviteToken: string): Promise<Uint8Array> {
    const token = readToken(inviteToken);
    if (token === undefined) throw new RelayError('request-malformed', 'The token of an invite has 32 bytes.');
    const { groupAvatars, clock } = this.#parts;
    return this.#read(place, await groupAvatars.mayReadInvited(place, hashOfToken(token), clock.now()));
  }

  /**
   * Deletes what has ended: replaced ones, uploads that no record came to name, those of groups that are gone. What can't be deleted now stays on the list.
   * @throws {RelayError} why one could not be deleted
   */
  async sweep(): Promise<void> {
    const { groupAvatars, blobs, clock } = this.#parts;
    for (;;) {
      const due = await groupAvatars.due(clock.now());
      const endings = await Promise.allSettled(due.map((place) => blobs.delete(keyOf(place))));
      const swept = due.filter((_, at) => endings[at]?.status === 'fulfilled');
      if (swept.length > 0) await groupAvatars.swept(swept);
      const failed = endings.find((ending) => ending.status === 'rejected');
      if (failed !== undefined) throw failed.reason;
      if (due.length === 0) return;
    }
  }

  async #read(place: GroupAvatarPlace, mayRead: boolean): Promise<Uint8Array> {
    const bytes = mayRead ? await this.#parts.blobs.get(keyOf(place)) : undefined;
    if (bytes === undefined) throw new RelayError('not-found', 'There is no such avatar (any more).');
    return bytes;
  }
}

function usedLocation(): RelayError {
  return new RelayError('avatar-location-used', 'Something else stood there: choose another location at random.');
}

function keyOf({ groupId, location }: GroupAvatarPlace): string {
  return `groups/${hex(groupId)}/${hex(location)}`;
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}
