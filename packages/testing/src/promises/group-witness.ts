import type { HeldRecord, MessageRecord } from '@sotto/sdk/ports';
import { type Audience, Memberships } from '../checker/memberships.ts';
import type { WorldUser } from '../world/world-user.ts';

/** A message that was written longer ago nobody sends again; clocks of schedules are off by two days. */
const sentAgainForMs = 28 * 86_400_000;

/** Of somebody their disk alone is looked at. */
type Watched = Pick<WorldUser, 'disk'>;

const nobody: Audience = { receivers: [], others: [] };

/** Watches who is in which group, on all disks: by that it is known for whom a message to one is. */
export class GroupWitness {
  readonly #memberships = new Memberships();

  /** Takes note of everybody's time in groups. Look often: of somebody who comes back a disk forgets the time before. */
  look(users: readonly Watched[]): void {
    for (const { disk } of users) {
      for (const member of disk.tables.groupMember.values()) this.#memberships.add(member);
    }
  }

  /** For whom a message is, by what its author's disk says of it. */
  audience({ groupId, senderId, revision }: MessageRecord): Audience {
    if (groupId === undefined || revision === undefined) return nobody;
    return this.#memberships.audience(groupId, senderId, revision);
  }

  /** Whether somebody is a member, as far as they know. */
  isMember({ disk }: Watched, groupId: string): boolean {
    return disk.tables.group.get(groupId)?.standing === 'member';
  }

  /** The revisions that let somebody into their groups, as far as they know: another one later says that they were out meanwhile. */
  joinedAt({ disk }: Watched): ReadonlyMap<string, number> {
    const selves = new Set([...disk.tables.account.values()].map(({ userId }) => userId));
    const own = [...disk.tables.groupMember.values()].filter(({ userId }) => selves.has(userId));
    return new Map(own.map(({ groupId, joinedAt }) => [groupId, joinedAt]));
  }

  /**
   * Whether a message may fail, as one of its author's to a group: they are no member, or were put out after they wrote it, and let in anew since.
   * @param joinedAt their `joinedAt` when they wrote it
   */
  mayFail(author: Watched, { groupId, failure }: MessageRecord, joinedAt: ReadonlyMap<string, number>): boolean {
    if (groupId === undefined) return false;
    if (!this.isMember(author, groupId)) return true;
    return failure === 'group-not-member' && joinedAt.get(groupId) !== this.joinedAt(author).get(groupId);
  }

  /** Whether what is held should have been opened: its sender and its receiver are members and were when it was sealed first, and it is not so old that nobody sends it again. */
  isOpenable(
    user: Watched,
    { groupId, sender, reason, messageId }: HeldRecord,
    users: readonly Watched[],
    now: number,
  ): boolean {
    if (groupId === undefined || sender === undefined || messageId === undefined) return true;
    const [written] = users.flatMap(({ disk }) => {
      const own = disk.tables.message.get(messageId);
      return own?.senderId === sender && own.recipients !== undefined ? [own] : [];
    });
    if (reason === 'not-a-member' || written === undefined || written.createdAt < now - sentAgainForMs) return false;
    const author = user.disk.tables.groupMember.get(`${groupId}.${sender}`);
    const joinedAt = this.joinedAt(user).get(groupId) ?? Number.POSITIVE_INFINITY;
    return this.isMember(user, groupId) && joinedAt <= (written.revision ?? 0) && author?.leftAt === undefined;
  }
}
