import { type Client, type GroupChat, SottoError, type UserId } from '@sotto/sdk';
import type { Seeded } from '../crash/seeded.ts';
import type { Person } from './host-calls.ts';
import { groupNameOf } from './token-text.ts';

/** What a `GroupKeeper` works with. */
export interface GroupKeeperParts {
  readonly self: Person;
  readonly client: () => Client;
  readonly peers: () => readonly Person[];
  readonly seeded: Seeded;
  /** Who somebody is; undefined while that can't be looked up. */
  readonly userIdOf: (person: Person) => Promise<UserId | undefined>;
  readonly log: (line: string) => void;
}

const longestChangeMs = 5_000;
const fewestMembers = 3;
const mostMembers = 6;

/** What somebody does about groups: makes one, lets people in and puts them out, and leaves. */
export class GroupKeeper {
  readonly #parts: GroupKeeperParts;

  constructor(parts: GroupKeeperParts) {
    this.#parts = parts;
  }

  /** The groups that this person can write to. */
  async open(): Promise<readonly GroupChat[]> {
    const open: GroupChat[] = [];
    for (const chat of await this.#parts.client().groups.list()) {
      if ((await chat.info()).standing === 'member') open.push(chat);
    }
    return open;
  }

  /** The group of a name, as messages have it. */
  async named(name: string): Promise<GroupChat | undefined> {
    return (await this.#parts.client().groups.list()).find(({ groupId }) => groupNameOf(groupId) === name);
  }

  /** Makes this person's own group, if they have none; else changes one of theirs. A change that can't be made now is let be: one that was written down the client finishes itself. */
  async tend(): Promise<void> {
    const { self, client, log } = this.#parts;
    try {
      const groups = await client().groups.list();
      const titles = await Promise.all(groups.map(async (chat) => (await chat.info()).title));
      // Every other one makes a group.
      const isMaker = Number(self.name.slice(1)) % 2 === 1;
      if (isMaker && !titles.includes(titleOf(self))) await this.#make();
      else await this.#change();
    } catch (error) {
      if (error instanceof DOMException) log(`${self.name} gives a change of a group up`);
      else if (!(error instanceof SottoError) || error.code === 'internal') throw error;
      else log(`${self.name} can not change a group: ${error.code}`);
    }
  }

  async #make(): Promise<void> {
    const { self, client, seeded } = this.#parts;
    const members: UserId[] = [];
    for (const person of this.#some(seeded.between(2, mostMembers - 2))) {
      const userId = await this.#parts.userIdOf(person);
      if (userId !== undefined) members.push(userId);
    }
    if (members.length === 0) return;
    await client().groups.create({ title: titleOf(self), members, signal: AbortSignal.timeout(longestChangeMs) });
  }

  async #change(): Promise<void> {
    const { seeded } = this.#parts;
    const [first, ...more] = await this.open();
    if (first === undefined) return;
    const chat = seeded.oneOf(first, ...more);
    const { members, role } = await chat.info();
    const signal = AbortSignal.timeout(longestChangeMs);
    if (seeded.between(1, 20) === 1) return chat.leave({ signal });
    if (role === 'member') return;
    const plain = members.filter((member) => member.role === 'member');
    const [victim, ...others] = plain;
    if (victim !== undefined && role === 'owner' && seeded.between(1, 8) === 1) {
      return chat.setRole(seeded.oneOf(victim, ...others).userId, 'admin', { signal });
    }
    const isShrinking = members.length >= mostMembers || (members.length > fewestMembers && seeded.oneOf(true, false));
    if (isShrinking && victim !== undefined) {
      return chat.remove([seeded.oneOf(victim, ...others).userId], { signal });
    }
    for (const person of this.#some(mostMembers)) {
      const userId = await this.#parts.userIdOf(person);
      if (userId === undefined || members.some((member) => member.userId === userId)) continue;
      return chat.add([userId], { signal });
    }
  }

  /** Some of the others, each once. */
  #some(count: number): readonly Person[] {
    const { self, peers, seeded } = this.#parts;
    const left = peers().filter(({ phone }) => phone !== self.phone);
    const chosen: Person[] = [];
    while (chosen.length < count && left.length > 0) chosen.push(...left.splice(seeded.between(0, left.length - 1), 1));
    return chosen;
  }
}

function titleOf({ name }: Person): string {
  return `of ${name}`;
}
