/** Somebody's time in a group, by revisions of its log. Ids are any names of yours, the same everywhere. */
export interface Membership {
  readonly groupId: string;
  readonly userId: string;
  /** The revision that let them in. */
  readonly joinedAt: number;
  /** The one that put them out, if one did. */
  readonly leftAt?: number | undefined;
}

/** Whom a message has to reach, and who may have it besides. */
export interface Audience {
  readonly receivers: readonly string[];
  readonly others: readonly string[];
}

/** Who was in which group from which revision to which: gives the `address` of each message. Give it all that any device ever knew. */
export class Memberships {
  /** By group, user and the revision that let them in: the revision that put them out, if one did. */
  readonly #groups = new Map<string, Map<string, Map<number, number | undefined>>>();

  add({ groupId, userId, joinedAt, leftAt }: Membership): void {
    const users = this.#groups.get(groupId) ?? new Map<string, Map<number, number | undefined>>();
    this.#groups.set(groupId, users);
    const times = users.get(userId) ?? new Map<number, number | undefined>();
    users.set(userId, times);
    times.set(joinedAt, leftAt ?? times.get(joinedAt));
  }

  /** How many groups there were, and how often somebody came after the first revision, or went. */
  counts(): { readonly groups: number; readonly came: number; readonly went: number } {
    const times = [...this.#groups.values()].flatMap((users) => [...users.values()].flatMap((all) => [...all]));
    return {
      groups: this.#groups.size,
      came: times.filter(([joinedAt]) => joinedAt > 1).length,
      went: times.filter(([, leftAt]) => leftAt !== undefined).length,
    };
  }

  /** Whether somebody was a member at a revision, and has been since. */
  isIn(groupId: string, userId: string, revision: number): boolean {
    const times = [...(this.#groups.get(groupId)?.get(userId) ?? [])];
    return times.some(([joinedAt, leftAt]) => joinedAt <= revision && leftAt === undefined);
  }

  /**
   * For whom a message is that was sealed first at a revision.
   *
   * Those who were members then have to have it, if they and its sender stayed: what is on its way to or from somebody who is out of the group may come or not. Whoever was a member at that revision or came later may have it, since it may have been sealed once more. Whoever had gone before must not.
   */
  audience(groupId: string, sender: string, revision: number): Audience {
    const users = this.#groups.get(groupId) ?? new Map<string, Map<number, number | undefined>>();
    const stayed = (userId: string) => this.isIn(groupId, userId, revision);
    const possible = [...users]
      .filter(([, times]) => [...times.values()].some((leftAt) => leftAt === undefined || leftAt > revision))
      .map(([userId]) => userId)
      .filter((userId) => userId !== sender);
    const receivers = stayed(sender) ? possible.filter(stayed) : [];
    return { receivers, others: possible.filter((userId) => !receivers.includes(userId)) };
  }
}
