import type { GroupChat } from '@sotto/sdk';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chatOf, groupOf as groupIn } from './group-watch.ts';
import { JourneyWorld } from './journey-world.ts';
import type { Person, PersonOptions } from './person.ts';

let world: JourneyWorld;

beforeAll(async () => {
  world = await JourneyWorld.open();
});

afterAll(() => world[Symbol.asyncDispose]());

const people = (count: number, options: Partial<PersonOptions> = {}) =>
  Promise.all(Array.from({ length: count }, () => world.person(options))) as Promise<Person[]>;

/** What somebody has of a group, oldest first. */
async function textsOf(person: Person, group: GroupChat): Promise<readonly string[]> {
  const { messages } = await (await chatOf(person, group)).history({ limit: 500 });
  return messages.map(({ text }) => text);
}

/** Writes into a group, and waits until all of these have it. */
async function tell(author: Person, group: GroupChat, text: string, ...readers: readonly Person[]): Promise<void> {
  await (await chatOf(author, group)).send(text);
  await Promise.all(readers.map((reader) => reader.received(text)));
}

describe('five people', () => {
  it('write to each other, each once and in order, over restarts of clients and of the relay', async () => {
    const all = (await people(5)) as [Person, Person, Person, Person, Person];
    const [alice, bob, carol, dave, erin] = all;
    const group = await groupIn(world, alice, bob, carol, dave, erin);
    const others = (person: Person) => all.filter((other) => other !== person);
    const said: string[] = [];
    const round = async (name: string) => {
      for (const [at, author] of all.entries()) {
        const text = `${name} ${at}`;
        await tell(author, group, text, ...others(author));
        said.push(text);
      }
    };
    await round('first');
    await round('second');
    for (const person of all) {
      expect(await textsOf(person, group)).toEqual(said);
    }
  });
});
