import { CiphertextKind, Envelope, type Send, uuidToBytes } from '@sotto/proto';
import type { GroupChat, Message } from '@sotto/sdk';
import type { Timers } from '@sotto/sdk/ports';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chatOf, groupOf as groupIn, hasMembers, idOf, sees } from './group-watch.ts';
import { HandTime } from './hand-time.ts';
import { JourneyWorld } from './journey-world.ts';
import type { Person, PersonOptions } from './person.ts';
import { TappedSockets } from './tapped-sockets.ts';

let world: JourneyWorld;

beforeAll(async () => {
  world = await JourneyWorld.open();
});

afterAll(() => world[Symbol.asyncDispose]());

const people = (count: number, options: Partial<PersonOptions> = {}) =>
  Promise.all(Array.from({ length: count }, () => world.person(options))) as Promise<Person[]>;

/** What somebody has of a group, oldest first. */
async function historyOf(person: Person, group: GroupChat): Promise<readonly Message[]> {
  return (await (await chatOf(person, group)).history({ limit: 500 })).messages;
}

async function textsOf(person: Person, group: GroupChat): Promise<readonly string[]> {
  return (await historyOf(person, group)).map(({ text }) => text);
}

async function write(author: Person, group: GroupChat, text: string): Promise<Message> {
  return (await chatOf(author, group)).send(text);
}

/** Writes into a group, and waits until all of these have it. */
async function tell(author: Person, group: GroupChat, text: string, ...readers: readonly Person[]): Promise<Message> {
  const message = await write(author, group, text);
  await Promise.all(readers.map((reader) => reader.received(text)));
  return message;
}

async function again(person: Person): Promise<void> {
  await person.stop();
  await person.open();
  await person.live();
}

describe('five people', () => {
  it('write to each other, each once and in order, over restarts of clients and of the relay', async () => {
    const all = await people(5);
    const [alice, ...rest] = all as [Person, ...Person[]];
    const group = await groupIn(world, alice, ...rest);
    const said: string[] = [];
    const round = async (name: string) => {
      for (const [at, author] of all.entries()) {
        const text = `${name} ${at}`;
        await tell(author, group, text, ...all.filter((other) => other !== author));
        said.push(text);
      }
    };
    await round('first');
    await Promise.all(rest.map(again));
    await round('second');
    await world.stop();
    const offline = await write(alice, group, 'while the relay is away');
    said.push('while the relay is away');
    await world.start();
    await Promise.all(all.map((person) => person.live()));
    await Promise.all(rest.map((person) => person.received('while the relay is away')));
    await alice.told('message.sent', offline);
    await again(alice);
    await round('third');
    for (const person of all) {
      const history = await historyOf(person, group);
      expect(history.map(({ text }) => text)).toEqual(said);
      expect(history.filter(({ late }) => late)).toEqual([]);
      expect(history.every(({ groupId, chatId }) => groupId === group.groupId && chatId === group.id)).toBe(true);
    }
  });

  it('who was away gets all of it, in order; and whoever joins then reads from then on', async () => {
    const [alice, bob, carol, dave] = (await people(4)) as [Person, Person, Person, Person];
    const group = await groupIn(world, alice, bob, carol);
    await tell(alice, group, 'here', bob, carol);
    await carol.stop();
    for (const text of ['one', 'two']) await tell(alice, group, text, bob);
    await tell(bob, group, 'three', alice);
    await group.add([idOf(dave)]);
    await sees(world, dave, group, hasMembers(4));
    await tell(bob, group, 'four', alice, dave);
    await carol.open();
    await carol.received('four');
    expect(await textsOf(carol, group)).toEqual(['here', 'one', 'two', 'three', 'four']);
    expect(await textsOf(dave, group)).toEqual(['four']);
    await tell(dave, group, 'hello', alice, bob, carol);
  });
});

/** Timers that let receipts rest no longer than a turn. */
const hurried: Timers = {
  after: (ms, run) => {
    const timer = setTimeout(run, ms === 5_000 ? 1 : ms);
    return () => clearTimeout(timer);
  },
};

describe('receipts', () => {
  it('say how many have a message, and its state is what all have', async () => {
    const [alice, bob, carol] = (await people(3, { platform: { timers: hurried } })) as [Person, Person, Person];
    const group = await groupIn(world, alice, bob, carol);
    for (const person of [bob, carol]) await (await person.chat(alice)).accept();
    for (const person of [bob, carol]) await write(person, group, 'I am in');
    await Promise.all([alice.received('I am in'), bob.received('I am in'), carol.received('I am in')]);
    await carol.stop();
    const message = await tell(alice, group, 'who reads this?', bob);
    await alice.told('message.delivered', message);
    const atBob = { userId: idOf(bob), state: 'delivered', at: expect.any(Number) };
    expect(await group.progress(message)).toEqual({ recipients: 2, delivered: 1, read: 0, people: [atBob] });
    expect(await alice.state(message)).toBe('sent');
    await carol.open();
    await carol.received('who reads this?');
    await world.watch.until(
      () => alice.events.filter((event) => isOf(event, 'message.delivered', message)).length === 2,
    );
    expect(await alice.state(message)).toBe('delivered');
    for (const person of [bob, carol]) await (await chatOf(person, group)).markRead(message);
    await world.watch.until(() => alice.events.filter((event) => isOf(event, 'message.read', message)).length === 2);
    expect(await alice.state(message)).toBe('read');
    const progress = await group.progress(message);
    expect(progress).toMatchObject({ recipients: 2, delivered: 2, read: 2 });
    expect(new Set(progress.people.map(({ userId }) => userId))).toEqual(new Set([bob, carol].map(idOf)));
  });
});

function isOf(event: Person['events'][number], type: string, { id }: Message): boolean {
  return event.type === type && 'message' in event && event.message.id === id;
}

describe('a key that is late', () => {
  it('is asked for after a while, and what waited for it is read then', async () => {
    const time = new HandTime();
    await using slow = await JourneyWorld.open({ time });
    const [alice, bob, carol] = [await slow.person(), await slow.person(), await slow.person()];
    const group = await groupIn(slow, alice, bob, carol);
    // What somebody who has said nothing yet is written comes by itself, under no chain.
    await tell(bob, group, 'I am in', alice, carol);
    await tell(carol, group, 'me too', alice, bob);
    await tell(alice, group, 'before', bob, carol);
    // Bob's device loses the keys of others.
    await slow.whileAway(bob, 2, `DELETE FROM sender_key`);
    await bob.live();
    await tell(alice, group, 'can you read this?', carol);
    await slow.watch.until(() => bob.events.some((event) => event.type === 'envelope.held'));
    expect(bob.events.find((event) => event.type === 'envelope.held')).toMatchObject({ reason: 'no-sender-key' });
    await bob.stop();
    time.advance(62_000);
    await bob.open();
    await bob.received('can you read this?');
    // The answer has shown that the key is missing: the next message brings it.
    await tell(alice, group, 'and this?', bob, carol);
    expect((await textsOf(bob, group)).slice(-3)).toEqual(['before', 'can you read this?', 'and this?']);
  });
});

describe('a member who was removed', () => {
  it('opens nothing of what is written then, whatever the relay gives away  [security: removed-member]', async () => {
    const taps = Array.from({ length: 3 }, () => new TappedSockets(() => world.watch.changed()));
    const [alice, bob, dave] = (await Promise.all(
      taps.map(({ factory }) => world.person({ platform: { sockets: factory }, sealedSender: false })),
    )) as [Person, Person, Person];
    const group = await groupIn(world, alice, bob, dave);
    await tell(alice, group, 'all three', bob, dave);
    await tell(bob, group, 'I see', alice, dave);
    const marks = taps.map(({ sends }) => sends.length);
    await group.remove([idOf(dave)]);
    await sees(world, bob, group, hasMembers(2));
    await sees(world, dave, group, ({ standing }) => standing === 'removed');
    await tell(alice, group, 'only two', bob);
    await tell(bob, group, 'at last', alice);
    const later = [0, 1].flatMap((at) =>
      (taps[at]?.sends ?? []).slice(marks[at]).map((send) => ({ send, from: at === 0 ? alice : bob })),
    );
    expect(later.filter(({ send }) => send.sharedCiphertext.length > 0).length).toBeGreaterThanOrEqual(2);
    const stolen = later.flatMap(({ send, from }) => stolenFor(dave, from, send));
    const before = dave.events.length;
    taps[2]?.deliver(...stolen);
    const reasons = () =>
      dave.events.slice(before).flatMap((event) => (event.type === 'envelope.held' ? [event.reason] : []));
    await world.watch.until(() => reasons().length >= stolen.length);
    // All of these are found out before anything is decrypted, or by that; none by what stands inside.
    const closed = new Set(['no-sender-key', 'no-session', 'missing-prekey', 'undecryptable', 'not-a-duplicate']);
    expect(reasons().filter((reason) => !closed.has(reason))).toEqual([]);
    expect(reasons()).toContain('no-sender-key');
    expect(await textsOf(dave, group)).toEqual(['all three', 'I see']);
    expect(dave.incoming().map(({ text }) => text)).toEqual(['all three', 'I see']);
  });
});

/** What others were sent, as if it had been for somebody else. */
function stolenFor(thief: Person, author: Person, send: Send): readonly Uint8Array[] {
  const envelope = {
    suite: send.suite,
    messageId: send.messageId,
    senderUser: uuidToBytes(idOf(author)),
    senderDevice: 1,
    recipientUser: uuidToBytes(idOf(thief)),
    recipientDevice: 1,
    acceptedAt: Date.now(),
    expiresAt: Date.now() + 1_000_000,
    attempt: send.attempt,
    groupId: send.groupId,
    groupEpoch: send.groupEpoch,
  };
  if (send.sharedCiphertext.length > 0) {
    const kind = CiphertextKind.CIPHERTEXT_KIND_SENDER_KEY;
    return [Envelope.encode({ ...envelope, kind, ciphertext: send.sharedCiphertext })];
  }
  const isMine = (userId: Uint8Array | null | undefined) =>
    userId && Buffer.from(userId).equals(uuidToBytes(idOf(thief)));
  return send.recipients
    .filter(({ userId }) => !isMine(userId))
    .flatMap(({ devices }) => devices ?? [])
    .map(({ kind, ciphertext }) =>
      Envelope.encode({ ...envelope, kind: kind ?? 0, ciphertext: ciphertext ?? new Uint8Array() }),
    );
}

describe('a member whose mailbox is full', () => {
  it('holds up nobody, and gets what was written once there is room', async () => {
    await using small = await JourneyWorld.open({ config: { mailbox: { quotaCount: 8, strangerQuotaCount: 8 } } });
    const [alice, bob, carol] = [await small.person(), await small.person(), await small.person()];
    const group = await groupIn(small, alice, bob, carol);
    await tell(alice, group, 'here', bob, carol);
    await carol.stop();
    const texts = Array.from({ length: 20 }, (_, at) => `text ${at}`);
    const sent: Message[] = [];
    for (const text of texts) sent.push(await write(alice, group, text));
    await Promise.all(texts.map((text) => bob.received(text)));
    expect(await textsOf(bob, group)).toEqual(['here', ...texts]);
    await Promise.all(sent.map((message) => alice.told('message.sent', message)));
    await carol.open();
    await Promise.all(texts.map((text) => carol.received(text)));
    expect(await textsOf(carol, group)).toEqual(['here', ...texts]);
  });
});
