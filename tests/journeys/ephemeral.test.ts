import type { SottoEvent } from '@sotto/sdk';
import type { Logger } from '@sotto/sdk/ports';
import { describe, expect, it } from 'vitest';
import { HandTime } from './hand-time.ts';
import { exchange, JourneyWorld } from './journey-world.ts';
import type { Person } from './person.ts';
import { type TappedSignal, TappedSockets } from './tapped-sockets.ts';

/** Somebody whose signals a test sees, on time that the test moves. */
async function tapped(
  world: JourneyWorld,
  time: HandTime,
  options: { readonly typing?: boolean; readonly presence?: boolean } = {},
) {
  const sockets = new TappedSockets(() => world.watch.changed());
  const person = await world.person({
    ...options,
    platform: { clock: time.clock, sockets: sockets.factory, logger: tellingLogger(world) },
  });
  return { person, sockets };
}

/** Has conditions looked at whenever a client has something to say: of what it drops, nothing else tells. */
function tellingLogger(world: JourneyWorld): Logger {
  const tell = () => world.watch.changed();
  return { debug: tell, info: tell, warn: tell, error: tell };
}

function typingOf(person: Person): readonly boolean[] {
  return person.events.flatMap((event: SottoEvent) => (event.type === 'typing.changed' ? [event.typing] : []));
}

function presencesOf(person: Person): readonly string[] {
  return person.events.flatMap((event: SottoEvent) => (event.type === 'presence.changed' ? [event.presence] : []));
}

/** What a person's store holds that messages would change. */
async function ratchetsOf(person: Person, other: Person): Promise<unknown> {
  const store = person.observed.store();
  const userId = other.client.account?.userId;
  if (userId === undefined) throw new Error('nobody has registered there');
  const session = await store.get('session', { userId, deviceId: 1 as never });
  return { session, commits: person.observed.commits };
}

/** Has two people know each other's secrets, with nothing on its way between them any more. */
async function acquainted(one: Person, other: Person): Promise<void> {
  await exchange(one, other);
  await one.say(other, 'did you get it?', 'delivered');
  await other.say(one, 'and you?', 'delivered');
  for (const person of [one, other]) await person.client.flush();
}

/** The first signal that left. */
function first(sockets: TappedSockets): TappedSignal {
  const [signal] = sockets.sent;
  if (signal === undefined) throw new Error('no signal has left');
  return signal;
}

function altered(signal: TappedSignal, at: number): TappedSignal {
  const payload = signal.payload.slice();
  payload[at] = (payload[at] ?? 0) ^ 1;
  return { ...signal, payload };
}

describe('who types', () => {
  it('is seen by the other side, as it begins and ends, and touches neither ratchet nor store', async () => {
    const time = new HandTime();
    await using world = await JourneyWorld.open({ stores: 'memory' });
    const [alice, bob] = [await tapped(world, time), await tapped(world, time)];
    await acquainted(alice.person, bob.person);
    const before = [await ratchetsOf(alice.person, bob.person), await ratchetsOf(bob.person, alice.person)];

    const chat = await alice.person.client.chats.get(bob.person.client.account?.userId ?? ('' as never));
    chat?.setTyping(true);
    await world.watch.until(() => typingOf(bob.person).length === 1);
    chat?.setTyping(false);
    await world.watch.until(() => typingOf(bob.person).length === 2);
    expect(typingOf(bob.person)).toEqual([true, false]);
    expect(bob.person.events.findLast(({ type }) => type === 'typing.changed')).toMatchObject({
      chatId: alice.person.client.account?.userId,
      userId: alice.person.client.account?.userId,
    });
    expect([await ratchetsOf(alice.person, bob.person), await ratchetsOf(bob.person, alice.person)]).toEqual(before);
    // All look alike, whatever they say.
    expect(new Set(alice.sockets.sent.map(({ payload }) => payload.length)).size).toBe(1);
  });

  it('is dropped and counted when it is repeated, altered, another’s, too old or malformed [security: ephemeral-frames]', async () => {
    const time = new HandTime();
    await using world = await JourneyWorld.open({ stores: 'memory' });
    const [alice, bob, carol] = [await tapped(world, time), await tapped(world, time), await tapped(world, time)];
    await exchange(alice.person, bob.person);
    await exchange(carol.person, bob.person);
    const dropped = () => bob.person.client.droppedSignals();
    (await alice.person.chat(bob.person)).setTyping(true);
    await world.watch.until(() => typingOf(bob.person).length === 1);
    const signal = first(alice.sockets);

    // The same again, over the same connection.
    alice.sockets.inject(signal, signal);
    await world.watch.until(() => dropped().replayed === 2);
    // A bit of the run, the counter's, the ciphertext's and the tag's.
    alice.sockets.inject(altered(signal, 5), altered(signal, 30), altered(signal, signal.payload.length - 1));
    await world.watch.until(() => dropped().forged + dropped().malformed >= 3);
    // Alice's, from Carol, whom Bob knows as well.
    const { forged } = dropped();
    carol.sockets.inject(signal);
    await world.watch.until(() => dropped().forged === forged + 1);
    const { malformed } = dropped();
    alice.sockets.inject({ ...signal, payload: new Uint8Array([255]) }, { ...signal, payload: new Uint8Array() });
    await world.watch.until(() => dropped().malformed === malformed + 2);
    // Bob starts anew and remembers no counter: what is older than his start is not shown again.
    await bob.person.stop();
    time.advance(1_000);
    await bob.person.open();
    await bob.person.live();
    alice.sockets.inject(signal);
    await world.watch.until(() => dropped().stale === 1);
    expect(typingOf(bob.person)).toEqual([true]);

    // What Alice says next arrives all the same, so nothing of this broke anything.
    time.advance(4_000);
    (await alice.person.chat(bob.person)).setTyping(true);
    await world.watch.until(() => typingOf(bob.person).length === 2);
    expect(await bob.person.observed.isQuiet()).toBe(true);
  });

  it('is bounded when somebody floods: the rest is dropped before it is opened [security: ephemeral-frames]', async () => {
    const time = new HandTime();
    await using world = await JourneyWorld.open({ stores: 'memory' });
    const [alice, bob] = [await tapped(world, time), await tapped(world, time)];
    await exchange(alice.person, bob.person);
    (await alice.person.chat(bob.person)).setTyping(true);
    await world.watch.until(() => typingOf(bob.person).length === 1);
    const signal = first(alice.sockets);
    alice.sockets.inject(...Array.from({ length: 500 }, () => signal));
    // Signals and messages may take different ways: neither waits for the other.
    await alice.person.say(bob.person, 'after the flood');
    await bob.person.received('after the flood');
    const dropped = () => bob.person.client.droppedSignals();
    // The relay has limits of its own and may drop some before.
    await world.watch.until(() => dropped().replayed + dropped().flood > 20);
    expect(dropped().replayed).toBeLessThan(20);
  });

  it('is not told to strangers, nor shown from them, nor when it is switched off', async () => {
    const time = new HandTime();
    await using world = await JourneyWorld.open({ stores: 'memory' });
    const [alice, bob, quiet] = [
      await tapped(world, time),
      await tapped(world, time),
      await tapped(world, time, { typing: false }),
    ];
    // Bob has not accepted Alice.
    await alice.person.say(bob.person, 'hello, stranger');
    const { senderId } = await bob.person.received('hello, stranger');
    (await alice.person.chat(bob.person)).setTyping(true);
    await world.watch.until(() => bob.person.client.droppedSignals().stranger === 1);
    (await bob.person.client.chats.get(senderId))?.setTyping(true);
    await exchange(quiet.person, alice.person);
    (await quiet.person.chat(alice.person)).setTyping(true);
    (await alice.person.chat(quiet.person)).setTyping(true);
    await alice.person.say(quiet.person, 'after it');
    await quiet.person.received('after it');
    await quiet.person.say(alice.person, 'and this');
    await alice.person.received('and this');
    expect([...typingOf(alice.person), ...typingOf(bob.person), ...typingOf(quiet.person)]).toEqual([]);
    expect([bob.sockets.sent, quiet.sockets.sent]).toEqual([[], []]);
  });
});

describe('who is there', () => {
  it('is seen by those who show it, too, as they come and go, and told to nobody else', async () => {
    const time = new HandTime();
    await using world = await JourneyWorld.open({ stores: 'memory' });
    const [alice, bob, quiet] = [
      await tapped(world, time, { presence: true }),
      await tapped(world, time, { presence: true }),
      await tapped(world, time),
    ];
    await acquainted(alice.person, bob.person);
    await acquainted(quiet.person, bob.person);
    const before = await ratchetsOf(alice.person, bob.person);
    await bob.person.stop();
    await bob.person.open();
    await world.watch.until(() => presencesOf(alice.person).length === 1 && presencesOf(bob.person).length === 1);
    // Alice was asked, and answered.
    expect(bob.person.events.findLast(({ type }) => type === 'presence.changed')).toEqual({
      type: 'presence.changed',
      userId: alice.person.client.account?.userId,
      presence: 'online',
      at: time.clock.now(),
    });
    expect(await ratchetsOf(alice.person, bob.person)).toEqual(before);
    await bob.person.stop();
    await world.watch.until(() => presencesOf(alice.person).length === 2);
    expect(presencesOf(alice.person)).toEqual(['online', 'offline']);
    expect([presencesOf(quiet.person), quiet.sockets.sent]).toEqual([[], []]);
    expect(new Set([...alice.sockets.sent, ...bob.sockets.sent].map(({ payload }) => payload.length)).size).toBe(1);
  });
});
