import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { JourneyWorld } from './journey-world.ts';
import { failureOf } from './person.ts';

let world: JourneyWorld;

beforeAll(async () => {
  world = await JourneyWorld.open({ stores: 'memory' });
});

afterAll(() => world[Symbol.asyncDispose]());

describe('P5: what register refuses', () => {
  it.each([
    ['+1202555', 'number-invalid'],
    ['2025550101', 'number-invalid'],
    ['hello', 'number-invalid'],
    ['', 'number-invalid'],
    ['+999123456789', 'number-invalid'],
    ['+5352345678', 'number-barred'],
    ['+989121234567', 'number-barred'],
  ])('the number %s: %s', async (phone, code) => {
    const person = world.newcomer();
    await person.open();
    const before = world.codes.length;
    const failure = await failureOf(person.register({ phone }));
    expect(failure.code).toBe(code);
    if (phone !== '') expect(failure.message).not.toContain(phone);
    expect(world.codes.length).toBe(before);
    expect(person.client.account).toBe(undefined);
    // Nothing is harmed: the same client registers with a right number.
    await person.register();
    expect(person.client.account?.number).toBe(person.phone);
  });

  it.each([
    ['an empty user name', { username: '' }, 'username-invalid'],
    ['a user name of 51', { username: 'n'.repeat(51) }, 'username-invalid'],
    ['a user name with a line end', { username: 'a\nb' }, 'username-invalid'],
    ['an avatar over 1 MiB', { username: 'Ann', avatar: new Uint8Array(1_048_577) }, 'avatar-too-large'],
  ])('%s, before anything is sent', async (_, profile, code) => {
    const person = world.newcomer();
    await person.open();
    const before = world.codes.length;
    expect(await failureOf(person.register({ profile }))).toMatchObject({ code, retryable: false });
    expect(world.codes.length).toBe(before);
    await person.register({ profile: { username: '😀'.repeat(50), avatar: new Uint8Array(1_048_576) } });
    expect(person.client.account?.username).toBe('😀'.repeat(50));
  });

  it('a wrong code, then the right one: one SMS, one account', async () => {
    const person = world.newcomer();
    await person.open();
    const wrong = async () => {
      const right = await world.codeFor(person.phone);
      return String((Number(right) + 1) % 1_000_000).padStart(6, '0');
    };
    expect(await failureOf(person.register({ code: wrong }))).toMatchObject({ code: 'code-wrong', attemptsLeft: 4 });
    expect(await failureOf(person.register({ code: () => 'none' }))).toMatchObject({ code: 'code-invalid' });
    await person.register();
    expect(world.codes.filter(({ number }) => number === person.phone)).toHaveLength(1);
    expect(await failureOf(person.register())).toMatchObject({ code: 'already-registered' });
  });

  it('too many wrong codes void it; a new one is sent then', async () => {
    const person = world.newcomer();
    await person.open();
    const wrong = async () => {
      const right = await world.codeFor(person.phone);
      return String((Number(right) + 1) % 1_000_000).padStart(6, '0');
    };
    for (const attemptsLeft of [4, 3, 2, 1, 0]) {
      expect(await failureOf(person.register({ code: wrong }))).toMatchObject({ code: 'code-wrong', attemptsLeft });
    }
    const sent = () => world.codes.filter(({ number }) => number === person.phone);
    expect(sent()).toHaveLength(1);
    await person.register({ code: () => sent().at(-1)?.code ?? '' });
    expect(sent()).toHaveLength(2);
  });

  it('a number that is registered again inherits nothing, and ends the one before', async () => {
    const first = await world.person();
    const friend = await world.person();
    await friend.say(first, 'for the first owner');
    await first.received('for the first owner');
    const second = await world.nextPhone(first);
    await second.register();
    await second.live();
    await world.watch.until(() => first.client.connection === 'ended');
    expect(second.client.account?.userId).not.toBe((await first.observed.store().get('account', {}))?.userId);
    expect((await second.client.chats.list()).chats).toEqual([]);
    const late = await (await friend.chat(first)).send('for nobody');
    expect(await friend.told('message.failed', late)).toMatchObject({ code: 'user-unknown' });
    expect(await failureOf(first.client.chats.with(friend.phone))).toMatchObject({ code: 'session-ended' });
  });
});
