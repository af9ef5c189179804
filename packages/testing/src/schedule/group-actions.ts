import type { GroupChat, UserId } from '@sotto/sdk';
import type { ChatWitness } from '../promises/chat-witness.ts';
import type { World } from '../world/world.ts';
import type { WorldUser } from '../world/world-user.ts';
import type { ScheduleEvent } from './schedule-event.ts';

/** What of a schedule happens in groups. */
export type GroupEvent = Extract<ScheduleEvent, { readonly type: `group-${string}` }>;

/** Carries out what happens in the group of a world. There is one, once somebody has made it. */
export class GroupActions {
  readonly #world: World;
  readonly #chats: ChatWitness;
  #texts = 0;

  constructor(world: World, chats: ChatWitness) {
    this.#world = world;
    this.#chats = chats;
  }

  /** Resolves when it is done; undefined when it can't happen now. */
  perform(event: GroupEvent, user: WorldUser): Promise<void> | undefined {
    if (user.state !== 'open' || user.client.account === undefined) return undefined;
    if (event.type === 'group-create') return this.#create(user);
    const [group] = [...user.disk.tables.group.values()].filter(({ standing }) => standing === 'member');
    if (group === undefined) return undefined;
    const chat = user.client.groups.get(group.id);
    switch (event.type) {
      case 'group-send':
        return this.#send(user, chat, event.count);
      case 'group-read':
        return read(chat);
      case 'group-leave':
        return chat.then((open) => open?.leave());
      case 'group-add':
      case 'group-remove': {
        const other = this.#userId(this.#world.users[event.to]);
        if (other === undefined) return undefined;
        return chat.then((open) => (event.type === 'group-add' ? open?.add([other]) : open?.remove([other])));
      }
    }
  }

  #create(user: WorldUser): Promise<void> | undefined {
    const { users } = this.#world;
    const isMade = users.some(({ disk }) => disk.tables.group.size > 0 || disk.tables.groupIntent.size > 0);
    const members = users.flatMap((other) => (other === user ? [] : (this.#userId(other) ?? [])));
    if (isMade || members.length === 0) return undefined;
    return user.client.groups.create({ title: 'Everybody', members }).then(() => undefined);
  }

  async #send(user: WorldUser, found: Promise<GroupChat | undefined>, count: number): Promise<void> {
    const texts = Array.from({ length: count }, () => `${user.name} tells all ${++this.#texts}`);
    for (const text of texts) this.#chats.asks(text, user, undefined);
    const chat = await found;
    await Promise.all(
      texts.map(async (text) => {
        const message = await chat?.send(text);
        if (message !== undefined) this.#chats.accepted(text, message.id);
      }),
    );
  }

  #userId(user: WorldUser | undefined): UserId | undefined {
    for (const { userId } of user?.disk.tables.account.values() ?? []) return userId;
    return undefined;
  }
}

async function read(found: Promise<GroupChat | undefined>): Promise<void> {
  const chat = await found;
  const last = (await chat?.history({ limit: 1 }))?.messages.at(-1);
  if (last !== undefined) await chat?.markRead(last);
}
