import { randomBytes } from 'node:crypto';
import { toBase64Url, uuidToText } from '@sotto/proto';
import type { GroupChat, UserId } from '@sotto/sdk';
import { describe, expect, it } from 'vitest';
import { chatOf, groupOf, idOf, sees } from './group-watch.ts';
import { JourneyWorld } from './journey-world.ts';
import { anotherDevice } from './linked-person.ts';
import type { Person, PersonOptions } from './person.ts';
import { WatchedSends } from './watched-sends.ts';

/** People each of whom is watched. */
async function watched(
  world: JourneyWorld,
  count: number,
  options: Partial<PersonOptions> = {},
): Promise<readonly WatchedSends[]> {
  const all: WatchedSends[] = [];
  for (let at = 0; at < count; at++) all.push(await WatchedSends.open(world, options));
  return all;
}

/** A group in which everybody has written once: from then on all have sessions with all. */
async function talkingGroup(world: JourneyWorld, ...people: readonly Person[]): Promise<GroupChat> {
  const [owner, ...others] = people as [Person, ...Person[]];
  const group = await groupOf(world, owner, ...others);
  for (const [at, person] of people.entries()) await tell(person, group, `I am in ${at}`, ...people);
  await settled(world, ...people);
  return group;
}

/** Writes into a group, and waits until all devices of others among these have it. */
async function tell(author: Person, group: GroupChat, text: string, ...readers: readonly Person[]): Promise<void> {
  await (await chatOf(author, group)).send(text);
  const others = readers.filter((reader) => idOf(reader) !== idOf(author));
  await Promise.all(others.map((reader) => reader.received(text)));
}

/** Resolves when everything that these people sent has left. */
async function settled(world: JourneyWorld, ...people: readonly Person[]): Promise<void> {
  for (const { observed } of people) {
    for (;;) {
      const { commits } = observed;
      if ((await observed.store().outboxChats()).length === 0) break;
      await world.watch.until(() => observed.commits > commits);
    }
  }
}

async function textsOf(person: Person, group: GroupChat): Promise<readonly string[]> {
  const { messages } = await (await chatOf(person, group)).history({ from: 'oldest', limit: 500 });
  return messages.map(({ text }) => text);
}

async function heldReasons(person: Person): Promise<readonly string[]> {
  return (await person.observed.store().held(100)).map(({ reason }) => reason);
}

/** Whom somebody's Sends over the stream went to, since so many. */
function namedTo({ named }: WatchedSends, from: number): ReadonlySet<string> {
  const users = named.slice(from).flatMap(({ recipients }) => recipients ?? []);
  return new Set(users.map(({ userId }) => uuidToText(userId ?? new Uint8Array())));
}

const people = (all: readonly WatchedSends[]) => all.map(({ person }) => person);
const ids = (...all: readonly Person[]): readonly UserId[] => all.map(idOf).sort();

describe('who writes to a group', () => {
  it('is not named to the relay, nor is the group: three people with two devices each get all of it, once, in order  [security: sealed-sends]', async () => {
    await using world = await JourneyWorld.open();
    const all = await watched(world, 3);
    const devices: Person[] = [...people(all)];
    for (const person of people(all)) devices.push(await anotherDevice(world, person, 'Tablet'));
    const group = await groupOf(world, ...(people(all) as [Person, ...Person[]]));
    for (const device of devices) await sees(world, device, group, ({ members }) => members.length === 3);
    for (const [at, device] of devices.entries()) await tell(device, group, `I am in ${at}`, ...devices);
    await settled(world, ...devices);
    const named = all.map((one) => one.named.length);
    const said: string[] = [];
    for (let round = 0; round < 2; round++) {
      for (const [at, author] of people(all).entries()) {
        said.push(`${round} of ${at}`);
        await tell(author, group, `${round} of ${at}`, ...devices);
      }
    }
    await settled(world, ...devices);
    for (const device of devices) {
      const told = async () => (await textsOf(device, group)).filter((text) => said.includes(text));
      // Own messages of the other device come without an event.
      for (let commits = -1; (await told()).length < said.length; commits = device.observed.commits) {
        const seen = commits;
        await world.watch.until(() => device.observed.commits > seen);
      }
      expect(await told()).toEqual(said);
      expect(await heldReasons(device)).toEqual([]);
    }
    for (const [at, one] of all.entries()) {
      const others = people(all).filter((person) => person !== one.person);
      expect(one.toMany.slice(-2).map(({ to, authorization }) => [[...to].sort(), authorization])).toEqual(
        Array.from({ length: 2 }, () => [ids(...others), undefined]),
      );
      // Over the stream nothing leaves but what the own other device gets.
      expect([...namedTo(one, named[at] ?? 0)]).toEqual([idOf(one.person)]);
      expect(one.named.slice(named[at]).filter(({ groupId }) => groupId.length > 0)).toEqual([]);
    }
  });

  it('is named when they want it so', async () => {
    await using world = await JourneyWorld.open();
    const [alice, bob] = (await watched(world, 2, { sealedSender: false })) as [WatchedSends, WatchedSends];
    const group = await talkingGroup(world, alice.person, bob.person);
    await tell(alice.person, group, 'by name', bob.person);
    expect([alice.toMany.length, alice.posts.length]).toEqual([0, 0]);
    expect(alice.named.at(-1)?.sharedCiphertext.length).toBeGreaterThan(0);
  });
});

describe('a sealed message to a group', () => {
  it('is sent again as it was when its answer was lost, over restarts of the relay and of its sender, and comes once', async () => {
    await using world = await JourneyWorld.open();
    const all = (await watched(world, 3)) as [WatchedSends, WatchedSends, WatchedSends];
    const [alice, bob, carol] = all;
    const group = await talkingGroup(world, ...people(all));
    const count = alice.toMany.length;
    alice.fate = 'answer-lost';
    await tell(alice.person, group, 'one', bob.person, carol.person);
    await world.watch.until(() => alice.toMany.length > count + 1);
    alice.fate = 'passed';
    await settled(world, alice.person);
    const attempts = alice.toMany.slice(count).map(({ sendId }) => sendId);
    expect(new Set(attempts).size).toBe(1);
    alice.fate = 'answer-lost';
    await tell(alice.person, group, 'two', bob.person, carol.person);
    await alice.person.stop();
    await world.stop();
    alice.fate = 'passed';
    await world.start();
    await alice.person.open();
    await settled(world, alice.person);
    expect(new Set(alice.toMany.slice(count).map(({ sendId }) => sendId)).size).toBe(2);
    await tell(alice.person, group, 'three', bob.person, carol.person);
    for (const { person } of [bob, carol]) {
      expect((await textsOf(person, group)).slice(-3)).toEqual(['one', 'two', 'three']);
      expect(person.incoming().filter(({ text }) => ['one', 'two', 'three'].includes(text))).toHaveLength(3);
      expect(await heldReasons(person)).toEqual([]);
    }
  });

  it('leaves with others when many wait: a burst comes in order and once, over a restart of the relay in its middle', async () => {
    await using world = await JourneyWorld.open();
    const all = (await watched(world, 3)) as [WatchedSends, WatchedSends, WatchedSends];
    const [alice, bob, carol] = all;
    const group = await talkingGroup(world, ...people(all));
    const count = alice.toMany.length;
    const chat = await chatOf(alice.person, group);
    const burst = Array.from({ length: 50 }, (_, at) => `burst ${at}`);
    await Promise.all(burst.slice(0, 25).map((text) => chat.send(text)));
    await world.watch.until(() => alice.toMany.length > count);
    // What is on its way now may be stored, and its answer lost.
    await world.stop();
    await Promise.all(burst.slice(25).map((text) => chat.send(text)));
    await world.start();
    const last = burst.at(-1) ?? '';
    await Promise.all([bob, carol].map(({ person }) => person.received(last)));
    await settled(world, alice.person);
    for (const { person } of [bob, carol]) {
      expect((await textsOf(person, group)).slice(-50)).toEqual(burst);
      expect(person.incoming().filter(({ text }) => text?.startsWith('burst'))).toHaveLength(50);
      expect(await heldReasons(person)).toEqual([]);
    }
    const sent = alice.toMany.slice(count);
    expect(new Set(sent.map(({ sendId }) => sendId)).size).toBe(50);
    expect(Math.max(...sent.map(({ together }) => together))).toBeGreaterThan(8);
  });

  it('comes apart to a member whose access key is another one by now, who is left out from then on  [security: sealed-sends]', async () => {
    await using world = await JourneyWorld.open();
    const all = (await watched(world, 3)) as [WatchedSends, WatchedSends, WatchedSends];
    const [alice, bob, carol] = all;
    const group = await talkingGroup(world, ...people(all));
    const account = await bob.person.observed.store().get('account', {});
    // As if Bob's new profile key had not come to the others yet.
    const answer = await fetch(`${world.url}/v1/profile`, {
      method: 'PUT',
      headers: { authorization: `Bearer ${account?.accessToken}`, 'content-type': 'application/json' },
      body: JSON.stringify({ profile: toBase64Url(randomBytes(64)), accessKey: toBase64Url(randomBytes(16)) }),
    });
    expect(answer.status).toBe(204);
    const count = alice.toMany.length;
    const texts = ['one', 'two', 'three'];
    for (const text of texts) await tell(alice.person, group, text, bob.person, carol.person);
    await settled(world, alice.person);
    const to = alice.toMany.slice(count).map((one) => [...one.to].sort());
    expect(to).toEqual([ids(bob.person, carol.person), ids(carol.person), ids(carol.person)]);
    for (const { person } of [bob, carol]) expect((await textsOf(person, group)).slice(-3)).toEqual(texts);
  });

  it('goes by name where the relay knows nothing of such messages, to all at once', async () => {
    await using world = await JourneyWorld.open();
    const all = (await watched(world, 3)) as [WatchedSends, WatchedSends, WatchedSends];
    const [alice, bob, carol] = all;
    const group = await talkingGroup(world, ...people(all));
    alice.fate = 'no-such-route';
    const count = alice.toMany.length;
    for (const text of ['one', 'two']) await tell(alice.person, group, text, bob.person, carol.person);
    await settled(world, alice.person);
    expect(alice.toMany.length).toBe(count + 1);
    expect(alice.named.filter(({ sharedCiphertext }) => sharedCiphertext.length > 0)).toHaveLength(2);
    for (const { person } of [bob, carol]) expect((await textsOf(person, group)).slice(-2)).toEqual(['one', 'two']);
  });
});
