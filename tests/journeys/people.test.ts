import type { UserId } from '@sotto/sdk';
import { describe, expect, it } from 'vitest';
import { chatOf, groupOf, hasMembers, hasTitle, sees } from './group-watch.ts';
import { exchange, JourneyWorld } from './journey-world.ts';
import type { Person } from './person.ts';

const avatar = new Uint8Array(2_000).map((_, at) => at % 251);

const idOf = (person: Person) => person.client.account?.userId ?? ('' as UserId);

async function keyOf(person: Person): Promise<Uint8Array> {
  return (await person.observed.store().get('account', {}))?.profileKey ?? new Uint8Array();
}

/** Looks again after each commit of a person. */
async function until(world: JourneyWorld, person: Person, holds: () => Promise<boolean>): Promise<void> {
  for (;;) {
    const { commits } = person.observed;
    if (await holds()) return;
    await world.watch.until(() => person.observed.commits > commits);
  }
}

/** Resolves with the profile key that has taken the place of the one before. */
async function newKey(world: JourneyWorld, person: Person, before: Uint8Array): Promise<Uint8Array> {
  await until(world, person, async () => Buffer.compare(await keyOf(person), before) !== 0);
  return keyOf(person);
}

async function knownKey(person: Person, of: Person): Promise<Uint8Array> {
  const user = await person.observed.store().get('user', { id: idOf(of) });
  return user?.profileKey ?? new Uint8Array();
}

describe('somebody who is blocked', () => {
  it('is unheard, is a stranger to the relay, and sees no more of the profile; contacts notice nothing  [security: sealed-sends]', async () => {
    await using world = await JourneyWorld.open({ config: { mailbox: { strangerQuotaCount: 1 } } });
    const [alice, bob, carol] = [await world.person(), await world.person(), await world.person()];
    await alice.client.profile.set({ avatar });
    await exchange(alice, bob);
    await exchange(alice, carol);
    const before = await keyOf(alice);
    await alice.client.block(idOf(bob));
    expect(await alice.client.blocked()).toMatchObject([{ userId: idOf(bob), number: bob.phone }]);
    const key = await newKey(world, alice, before);
    await until(world, carol, async () => Buffer.compare(await knownKey(carol, alice), key) === 0);
    expect(Buffer.compare(await knownKey(bob, alice), before)).toBe(0);
    expect(await carol.client.profile.fetchAvatar(idOf(alice))).toEqual(avatar);
    await expect(bob.client.profile.fetchAvatar(idOf(alice))).rejects.toMatchObject({ code: 'relay-misbehaved' });

    const told = alice.events.length;
    const heardBefore = alice.incoming().length;
    const unheard = await bob.say(alice, 'are you there?');
    await world.watch.until(() => alice.client.droppedMessages() === 1);
    expect(alice.events.slice(told).filter(({ type }) => type !== 'connection.changed')).toEqual([]);
    await expect((await alice.chat(bob)).send('hm')).rejects.toMatchObject({ code: 'blocked' });

    // While Alice is away there is room for one message of all strangers, and of her contacts as many as they like.
    await alice.stop();
    const chat = await bob.chat(alice);
    const [first, second] = [await chat.send('one'), await chat.send('two')];
    await bob.told('message.sent', first);
    for (const text of ['a', 'b', 'c']) await carol.say(alice, text);
    expect(await bob.state(second)).toBe('queued');
    await alice.open();
    await alice.live();
    await world.watch.until(() => alice.incoming().some(({ text }) => text === 'c'));
    expect(
      alice
        .incoming()
        .slice(heardBefore)
        .map(({ text }) => text),
    ).toEqual(['a', 'b', 'c']);

    await alice.client.unblock(idOf(bob));
    await alice.say(bob, 'hello again');
    await bob.received('hello again');
    expect(Buffer.compare(await knownKey(bob, alice), key)).toBe(0);
    await bob.say(alice, 'good to hear', 'delivered');
    expect(await bob.state(unheard)).toBe('sent');
    const heard = (await alice.history(bob)).filter(({ outgoing }) => !outgoing).map(({ text }) => text);
    expect(heard.at(-1)).toBe('good to hear');
    expect(heard).not.toContain('are you there?');
  });

  it('is blocked without a relay, too: the new key comes into use after a restart', async () => {
    await using world = await JourneyWorld.open();
    const [alice, bob] = [await world.person(), await world.person()];
    await exchange(alice, bob);
    const before = await keyOf(alice);
    await world.stop();
    await alice.client.block(idOf(bob));
    await alice.stop();
    await alice.open();
    expect(await alice.client.blocked()).toHaveLength(1);
    expect(Buffer.compare(await keyOf(alice), before)).toBe(0);
    await world.start();
    await newKey(world, alice, before);
    expect(Buffer.compare(await knownKey(bob, alice), before)).toBe(0);
  });
});

describe('in a group with somebody who is blocked', () => {
  it('their messages are hidden, all others go on, and they are not given the new key', async () => {
    await using world = await JourneyWorld.open({ stores: 'memory' });
    const [alice, bob, carol] = [await world.person(), await world.person(), await world.person()];
    await exchange(alice, bob);
    const group = await alice.client.groups.create({ title: 'Rowers', members: [idOf(bob), idOf(carol)] });
    const heard = (person: Person, text: string) => () => person.incoming().some((message) => message.text === text);
    await group.send('hello');
    for (const person of [bob, carol]) await world.watch.until(heard(person, 'hello'));
    const before = await keyOf(alice);
    await alice.client.block(idOf(bob));
    const key = await newKey(world, alice, before);
    // Somebody whom she only shares the group with is told, too.
    await until(world, carol, async () => Buffer.compare(await knownKey(carol, alice), key) === 0);

    const dropped = alice.client.droppedMessages();
    await (await bob.client.groups.get(group.groupId))?.send('can you hear me?');
    await world.watch.until(heard(carol, 'can you hear me?'));
    await world.watch.until(() => alice.client.droppedMessages() > dropped);
    await (await carol.client.groups.get(group.groupId))?.send('Bob asks');
    await world.watch.until(heard(alice, 'Bob asks'));
    expect(heard(alice, 'can you hear me?')()).toBe(false);
    expect(await alice.observed.store().heldOf(idOf(bob), 10)).toEqual([]);
    await group.send('I row');
    for (const person of [bob, carol]) await world.watch.until(heard(person, 'I row'));
    expect(Buffer.compare(await knownKey(bob, alice), before)).toBe(0);
    expect((await group.info()).members).toHaveLength(3);
    const another = alice.client.groups.create({ title: 'Divers', members: [idOf(bob), idOf(carol)] });
    await expect(another).rejects.toMatchObject({ code: 'blocked' });
  });

  it('they are given its keys: what is changed under a new one reaches them, and they can change it', async () => {
    await using world = await JourneyWorld.open({ stores: 'memory' });
    const [alice, bob, carol] = [await world.person(), await world.person(), await world.person()];
    const group = await groupOf(world, alice, bob, carol);
    await alice.client.block(idOf(bob));
    // Who was removed has no more of the group: what follows is under a key that only Alice can give.
    await group.remove([idOf(carol)]);
    await group.setTitle('Under a new key');
    expect(await sees(world, bob, group, hasTitle('Under a new key'))).toMatchObject({ standing: 'member' });
    await (await chatOf(bob, group)).leave();
    await sees(world, alice, group, hasMembers(1));
  });
});

describe('a request', () => {
  it('is told as one, declined without a word, comes again, and is accepted', async () => {
    await using world = await JourneyWorld.open();
    const [alice, bob] = [await world.person(), await world.person()];
    const unwanted = await bob.say(alice, 'buy this');
    await alice.received('buy this');
    const requests = async () => (await alice.client.chats.requests()).chats;
    const [request] = await requests();
    expect(request).toMatchObject({ accepted: false, unread: 1, lastMessage: { text: 'buy this' } });
    if (request?.chat.type === 'person') await request.chat.decline();
    expect(await requests()).toEqual([]);
    expect((await alice.client.chats.list()).chats).toEqual([]);
    await bob.say(alice, 'it is me, Bob');
    await alice.received('it is me, Bob');
    const [again] = await requests();
    if (again?.chat.type === 'person') await again.chat.accept();
    const wanted = alice.incoming().at(-1);
    if (wanted) await bob.told('message.delivered', wanted);
    expect(await requests()).toEqual([]);
    expect((await alice.history(bob)).map(({ text }) => text)).toEqual(['it is me, Bob']);
    expect(await bob.state(unwanted)).toBe('sent');
    const told = alice.events.flatMap((event) => (event.type === 'message.received' ? [event.request] : []));
    expect(told).toEqual([true, true]);
  });
});
