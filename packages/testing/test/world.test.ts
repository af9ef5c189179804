import { describe, expect, it } from 'vitest';
import { TestingError, testWorld, type World, type WorldUser } from '../src/index.ts';

/** Two who have written to each other, so that each knows that the other gives receipts. */
async function couple(world: World): Promise<readonly [WorldUser, WorldUser]> {
  const [alice, bob] = [await world.user('Alice'), await world.user('Bob')];
  await say(alice, bob, 'hello');
  await world.settle();
  await say(bob, alice, 'hello yourself');
  await world.settle();
  return [alice, bob];
}

async function say(from: WorldUser, to: WorldUser, text: string): Promise<void> {
  await (await from.client.chats.with(to.number)).send(text);
}

async function texts(user: WorldUser, other: WorldUser): Promise<readonly string[]> {
  const { messages } = await (await user.client.chats.with(other.number)).history();
  return messages.map(({ text, state }) => `${text}: ${state}`);
}

async function codeOf(call: () => unknown): Promise<string> {
  try {
    await call();
  } catch (error) {
    if (error instanceof TestingError) return error.code;
    throw error;
  }
  return 'none';
}

describe('a world', () => {
  it('delivers, and tells the author', async () => {
    await using world = await testWorld();
    const [alice, bob] = await couple(world);
    expect(await texts(bob, alice)).toEqual(['hello: received', 'hello yourself: delivered']);
    expect(world.relay.disk.mail()).toEqual([]);
  });

  it.each(['up', 'down'] as const)(
    'a message lost on its way %s takes its connection along, and is sent again',
    async (direction) => {
      await using world = await testWorld();
      const [alice, bob] = await couple(world);
      world.network.next(bob, direction, 'lost');
      await say(alice, bob, 'once');
      await world.settle();
      await world.advance({ seconds: 30 });
      expect(await texts(alice, bob)).toContain('once: delivered');
      expect((await texts(bob, alice)).filter((text) => text.startsWith('once'))).toEqual(['once: received']);
    },
  );

  it('a hostile network that doubles and swaps messages gives nobody a text twice', async () => {
    await using world = await testWorld();
    const [alice, bob] = await couple(world);
    for (const fate of ['twice', 'swapped', 'twice', 'swapped'] as const) {
      world.network.next(alice, 'up', fate);
      world.network.next(bob, 'down', fate);
      await say(alice, bob, fate);
      await world.settle();
    }
    await world.advance({ minutes: 3 });
    const got = (await texts(bob, alice)).filter((text) => !text.startsWith('hello'));
    expect(got.toSorted()).toEqual(['swapped: received', 'swapped: received', 'twice: received', 'twice: received']);
  });

  it('what goes into a half-open connection comes when it is noticed', async () => {
    await using world = await testWorld();
    const [alice, bob] = await couple(world);
    world.network.halfOpen(bob);
    await say(alice, bob, 'into the void');
    await world.settle();
    expect(await texts(bob, alice)).not.toContain('into the void: received');
    expect(bob.client.connection).toBe('live');
    await world.advance({ minutes: 3 });
    expect(await texts(bob, alice)).toContain('into the void: received');
  });

  it('a slow line delivers in order, late', async () => {
    await using world = await testWorld();
    const [alice, bob] = await couple(world);
    world.network.slow(bob, { seconds: 3 }, ['down']);
    await say(alice, bob, 'one');
    await world.advance({ seconds: 1 });
    await say(alice, bob, 'two');
    await world.advance({ seconds: 1 });
    expect(await texts(bob, alice)).not.toContain('one: received');
    await world.advance({ seconds: 1 });
    expect((await texts(bob, alice)).slice(2)).toEqual(['one: received']);
    await world.advance({ seconds: 1 });
    expect((await texts(bob, alice)).slice(2)).toEqual(['one: received', 'two: received']);
  });

  it('outlives the crashes of everybody in it', async () => {
    await using world = await testWorld();
    const [alice, bob] = await couple(world);
    bob.crash();
    await say(alice, bob, 'kept by the relay');
    await world.settle();
    alice.crash();
    world.relay.crash();
    expect(world.relay.disk.mail()).toHaveLength(1);
    await world.relay.start();
    await alice.open();
    await bob.open();
    await world.settle();
    expect(await texts(bob, alice)).toContain('kept by the relay: received');
    expect(await texts(alice, bob)).toContain('kept by the relay: delivered');
  });

  it('mail that nobody fetches in 30 days is gone, and its author says so', async () => {
    await using world = await testWorld();
    const [alice, bob] = await couple(world);
    await bob.stop();
    await say(alice, bob, 'too late');
    await world.advance({ days: 29 });
    expect(world.relay.disk.mail()).toHaveLength(1);
    await world.advance({ days: 1, minutes: 2 });
    expect(world.relay.disk.mail()).toEqual([]);
    await world.advance({ days: 2 });
    expect(await texts(alice, bob)).toContain('too late: expired');
    await bob.open();
    await world.settle();
    expect(await texts(bob, alice)).not.toContain('too late: received');
  });

  it('a lost request and a lost answer are tried again', async () => {
    await using world = await testWorld();
    const alice = await world.user('Alice');
    const bob = await world.user('Bob', { register: false });
    world.network.nextRequest(bob, 'request-lost');
    await expect(bob.register()).rejects.toMatchObject({ code: 'relay-unreachable' });
    world.network.nextRequest(bob, 'passed');
    world.network.nextRequest(bob, 'answer-lost');
    await expect(bob.register()).rejects.toMatchObject({ code: 'relay-unreachable' });
    await bob.register();
    await say(bob, alice, 'here I am');
    await world.settle();
    expect(await texts(alice, bob)).toEqual(['here I am: received']);
  });

  it('says what it was asked wrongly', async () => {
    await using world = await testWorld();
    const alice = await world.user('Alice', { register: false });
    expect(await codeOf(() => world.user('Alice'))).toBe('argument-invalid');
    expect(await codeOf(() => alice.open())).toBe('user-open');
    expect(await codeOf(() => world.relay.start())).toBe('relay-running');
    expect(await codeOf(() => world.relay.codeFor('+14155550000'))).toBe('no-code-sent');
    alice.crash();
    expect(await codeOf(() => alice.client)).toBe('user-closed');
    expect(await codeOf(() => alice.crash())).toBe('user-closed');
    world.relay.crash();
    expect(await codeOf(() => world.relay.crash())).toBe('relay-stopped');
  });

  it('an author who was online all the time hears of expiry a day after the relay deleted the mail', async () => {
    await using world = await testWorld();
    const [alice, bob] = await couple(world);
    bob.crash();
    await say(alice, bob, 'nobody there');
    await world.settle();
    await world.advance({ days: 30, hours: 1 });
    expect(world.relay.disk.mail()).toEqual([]);
    expect(await texts(alice, bob)).toContain('nobody there: sent');
    await world.advance({ days: 1 });
    expect(await texts(alice, bob)).toContain('nobody there: expired');
  });

  it('is open-handed with a setting that is given as undefined', async () => {
    await using world = await testWorld({ relay: { limits: undefined } });
    const [alice, bob] = await couple(world);
    // More than a relay lets anybody send to one other at once.
    const chat = await alice.client.chats.with(bob.number);
    for (let at = 0; at < 700; at++) await chat.send(String(at));
    await world.settle();
    expect(world.relay.disk.mail()).toEqual([]);
    expect((await bob.client.chats.list()).chats[0]?.lastMessage?.text).toBe('699');
  });

  it('time that is no duration moves nothing', async () => {
    await using world = await testWorld();
    const now = world.time.now();
    expect(await codeOf(() => world.advance(JSON.parse('{"minute":2}')))).toBe('argument-invalid');
    expect(await codeOf(() => world.advance({ minutes: -2 }))).toBe('argument-invalid');
    const alice = await world.user('Alice');
    expect(await codeOf(() => alice.setSkew(Number.NaN))).toBe('argument-invalid');
    expect(world.time.now()).toBe(now);
  });
});
