import type { GroupStore } from '../ports/group-store.ts';
import type { GroupId, UserId } from '../ports/ids.ts';

/** The most members of all groups together that a relay of one process keeps in memory: about 100 MiB. */
const mostOfOne = 1_000_000;

/**
 * Who is a member of which group, kept in memory, since every Send to a group asks: as long as all changes of members go through here.
 *
 * Where other nodes change them too, nothing may be kept: who was just removed would go on to send, and to get what is sent.
 */
export class GroupRoster {
  readonly #groups: Pick<GroupStore, 'members'>;
  readonly #mostKept: number;
  readonly #cache = new Map<string, ReadonlySet<UserId>>();
  #kept = 0;
  /** Changes with every `forget`, so that members read before it are not kept after it. */
  #generation = 0;

  /** `mostKept`: members that are kept; 0 where others change them. */
  constructor(groups: Pick<GroupStore, 'members'>, mostKept = mostOfOne) {
    this.#groups = groups;
    this.#mostKept = mostKept;
  }

  /** The members if they are in memory, without waiting. */
  cached(groupId: Uint8Array): ReadonlySet<UserId> | undefined {
    return this.#cache.get(keyOf(groupId));
  }

  /** The members as they are now; nobody when there is no such group. */
  async members(groupId: Uint8Array): Promise<ReadonlySet<UserId>> {
    const known = this.cached(groupId);
    if (known !== undefined) return known;
    const generation = this.#generation;
    const members = new Set(await this.#groups.members(groupId as GroupId));
    if (generation === this.#generation && members.size > 0) this.#keep(keyOf(groupId), members);
    return members;
  }

  /** The group's log has grown. */
  forget(groupId: Uint8Array): void {
    this.#generation++;
    this.#drop(keyOf(groupId));
  }

  /** An account has ended: it is a member of nothing any more. */
  forgetUser(userId: UserId): void {
    this.#generation++;
    for (const [key, members] of this.#cache) if (members.has(userId)) this.#drop(key);
  }

  #keep(key: string, members: ReadonlySet<UserId>): void {
    if (this.#mostKept === 0) return;
    this.#drop(key);
    for (const oldest of this.#cache.keys()) {
      if (this.#kept + members.size <= this.#mostKept) break;
      this.#drop(oldest);
    }
    this.#cache.set(key, members);
    this.#kept += members.size;
  }

  #drop(key: string): void {
    this.#kept -= this.#cache.get(key)?.size ?? 0;
    this.#cache.delete(key);
  }
}

function keyOf(groupId: Uint8Array): string {
  return Buffer.from(groupId.buffer, groupId.byteOffset, groupId.byteLength).toString('latin1');
}
