import type { GroupStore } from '../ports/group-store.ts';
import type { GroupId, UserId } from '../ports/ids.ts';

/** The most members of all groups together that are kept in memory: about 100 MiB. */
const mostKept = 1_000_000;

const nobody: ReadonlySet<UserId> = new Set();

/** Members as they are kept, with what tells whether they still are. */
interface KeptMembers {
  readonly members: ReadonlySet<UserId>;
  readonly version: string;
}

/**
 * Who may change members. `alone`: this process does, and tells the roster. `others-too`: other nodes as well, so that what is kept is validated by one small read whenever it is asked for: a member that another node removed is none here either.
 */
export type RosterSharing = 'alone' | 'others-too';

/** Who is a member of which group, kept in memory, since every Send to a group asks. */
export class GroupRoster {
  readonly #groups: Pick<GroupStore, 'membersSince'>;
  readonly #isAlone: boolean;
  readonly #cache = new Map<string, KeptMembers>();
  #kept = 0;
  /** Changes with every `forget`, so that members read before it are not kept after it. */
  #generation = 0;

  constructor(groups: Pick<GroupStore, 'membersSince'>, sharing: RosterSharing = 'alone') {
    this.#groups = groups;
    this.#isAlone = sharing === 'alone';
  }

  /** The members if they are in memory and nobody else can have changed them, without waiting. */
  cached(groupId: Uint8Array): ReadonlySet<UserId> | undefined {
    return this.#isAlone ? this.#cache.get(keyOf(groupId))?.members : undefined;
  }

  /** The members as they are now; nobody when there is no such group. */
  async members(groupId: Uint8Array): Promise<ReadonlySet<UserId>> {
    const known = this.cached(groupId);
    if (known !== undefined) return known;
    const generation = this.#generation;
    const key = keyOf(groupId);
    const kept = this.#cache.get(key);
    const now = await this.#groups.membersSince(groupId as GroupId, kept?.version);
    if (now === 'unchanged') return kept?.members ?? nobody;
    const members = new Set(now.members);
    if (generation === this.#generation && members.size > 0) this.#keep(key, { members, version: now.version });
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
    for (const [key, { members }] of this.#cache) if (members.has(userId)) this.#drop(key);
  }

  #keep(key: string, kept: KeptMembers): void {
    const { members } = kept;
    this.#drop(key);
    for (const oldest of this.#cache.keys()) {
      if (this.#kept + members.size <= mostKept) break;
      this.#drop(oldest);
    }
    this.#cache.set(key, kept);
    this.#kept += members.size;
  }

  #drop(key: string): void {
    this.#kept -= this.#cache.get(key)?.members.size ?? 0;
    this.#cache.delete(key);
  }
}

function keyOf(groupId: Uint8Array): string {
  return Buffer.from(groupId.buffer, groupId.byteOffset, groupId.byteLength).toString('latin1');
}
