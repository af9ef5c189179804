import type { HeldRecord, MessageRecord } from '@sotto/sdk/ports';
import { type Audience, Memberships } from '../checker/memberships.ts';
import type { WorldUser } from '../world/world-user.ts';

/** A message that was written longer ago nobody sends again; clocks of schedules are off by two days. */
const sentAgainForMs = 28 * 86_400_000;

const nobody: Audience = { receivers: [], others: [] };

/** Watches who is in which group, on all disks: by that it is known for whom a message to one is. */
export class GroupWitness {
  readonly #memberships = new Memberships();

  /** Takes note of everybody's time in groups. Look often: of somebody who comes back a disk forgets the time before. */
  look(users: readonly WorldUser[]): void {
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
  isMember({ disk }: WorldUser, groupId: string): boolean {
    return disk.tables.group.get(groupId)?.standing === 'member';
  }

  /** Whether what is held should have been opened: its sender and its receiver are members and were then, and it is not so old that nobody sends it again. */
  isOpenable(
    user: WorldUser,
    { groupId, sender, reason, messageId }: HeldRecord,
    users: readonly WorldUser[],
    now: number,
  ): boolean {
    if (groupId === undefined || sender === undefined || messageId === undefined) return true;
    const [writtenAt] = users.flatMap(({ disk }) => {
      const own = disk.tables.message.get(messageId);
      return own?.senderId === sender && own.recipients !== undefined ? [own.createdAt] : [];
    });
    if (reason === 'not-a-member' || (writtenAt ?? 0) < now - sentAgainForMs) return false;
    const author = user.disk.tables.groupMember.get(`${groupId}.${sender}`);
    return this.isMember(user, groupId) && author?.leftAt === undefined;
  }
}
