import type { GroupChat, GroupInfo, GroupNews, SottoEvent } from '@sotto/sdk';
import type { JourneyWorld } from './journey-world.ts';
import type { Person } from './person.ts';

/** Who somebody is. */
export function idOf({ client }: Person) {
  if (client.account === undefined) throw new Error('they have no account');
  return client.account.userId;
}

/** The chat of a group as somebody has it. */
export async function chatOf(person: Person, { groupId }: Pick<GroupChat, 'groupId'>): Promise<GroupChat> {
  const chat = await person.client.groups.get(groupId);
  if (chat === undefined) throw new Error('they do not have the group');
  return chat;
}

/** The group as somebody sees it, once it is as expected. */
export async function sees(
  { watch }: JourneyWorld,
  person: Person,
  { groupId }: Pick<GroupChat, 'groupId'>,
  expected: (info: GroupInfo) => boolean,
): Promise<GroupInfo> {
  for (;;) {
    const heard = person.events.length;
    const info = await (await person.client.groups.get(groupId))?.info();
    if (info !== undefined && expected(info)) return info;
    await watch.until(() => person.events.length > heard);
  }
}

/** What events have told somebody of a group. */
export function news(person: Person, { groupId }: Pick<GroupChat, 'groupId'>): readonly GroupNews[] {
  const isOfGroup = (event: SottoEvent) => event.type === 'group.changed' && event.groupId === groupId;
  return person.events.filter(isOfGroup).flatMap((event) => (event.type === 'group.changed' ? event.changes : []));
}

/** A group that all of these see alike. */
export async function groupOf(world: JourneyWorld, owner: Person, ...others: readonly Person[]): Promise<GroupChat> {
  const group = await owner.client.groups.create({ title: 'Rowers', members: others.map(idOf) });
  for (const other of others) await sees(world, other, group, hasMembers(others.length + 1));
  return group;
}

export const hasTitle = (title: string) => (info: GroupInfo) => info.title === title;
export const hasMembers = (count: number) => (info: GroupInfo) => info.members.length === count;

/** The role of somebody else. */
export function roleOf(info: GroupInfo | undefined, person: Person) {
  return info?.members.find(({ userId }) => userId === idOf(person))?.role;
}
