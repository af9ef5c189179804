import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { exchange, JourneyWorld } from './journey-world.ts';
import { failureOf, type Person } from './person.ts';

let world: JourneyWorld;

beforeAll(async () => {
  world = await JourneyWorld.open({ stores: 'memory' });
});

afterAll(() => world[Symbol.asyncDispose]());

/** Gives somebody the number of a person who has no account. */
function move(person: Person, phone: string, more: object = {}): Promise<void> {
  return person.client.changeNumber({ phone, code: () => world.codeFor(phone), ...more });
}

async function userOf(person: Person, other: Person) {
  const id = (await other.observed.store().get('account', {}))?.userId;
  if (id === undefined) throw new Error('no account');
  return person.observed.store().get('user', { id });
}

describe('another number', () => {
  it('keeps the user id; contacts who knew the number learn it, others do not  [security: leaving]', async () => {
    const [alice, bob, carol] = [await world.person(), await world.person(), await world.person()];
    await exchange(bob, alice);
    // Carol was written to: she never knew the number.
    await alice.say(carol, 'it is me');
    await carol.received('it is me');
    const { phone } = world.newcomer();
    const userId = alice.client.account?.userId;
    await move(alice, phone);
    expect(alice.client.account).toMatchObject({ userId, number: phone });
    await world.watch.until(() => bob.events.some(({ type }) => type === 'contact.number-changed'));
    expect(bob.events.find(({ type }) => type === 'contact.number-changed')).toMatchObject({ userId, number: phone });
    expect((await bob.client.chats.with(phone)).userId).toBe(userId);
    expect((await userOf(bob, alice))?.number).toBe(phone);
    await bob.client.chats.with(phone);
    expect(await failureOf(bob.client.chats.with(alice.phone))).toMatchObject({ code: 'number-unknown' });
    await alice.say(carol, 'still me');
    await carol.received('still me');
    expect((await userOf(carol, alice))?.number).toBe('');
    expect(carol.events.some(({ type }) => type === 'contact.number-changed')).toBe(false);
  });

  it('wrong code, lost answer, restart: called again it goes on, without a second code', async () => {
    let lose = true;
    const losing = async (...[url, options]: Parameters<typeof fetch>) => {
      const answer = await fetch(url, options);
      if (!lose || !answer.ok || !String(url).endsWith('/account/number')) return answer;
      lose = false;
      throw new TypeError('the connection was cut');
    };
    const alice = await world.person({ platform: { fetch: losing as never } });
    const { phone } = world.newcomer();
    const wrong = async () => String((Number(await world.codeFor(phone)) + 1) % 1_000_000).padStart(6, '0');
    expect(await failureOf(move(alice, phone, { code: wrong }))).toMatchObject({ code: 'code-wrong', attemptsLeft: 4 });
    expect(await failureOf(move(alice, phone))).toMatchObject({ code: 'relay-unreachable' });
    expect(alice.client.account?.number).toBe(alice.phone);
    await alice.stop();
    await alice.open();
    await move(alice, phone);
    expect(alice.client.account?.number).toBe(phone);
    expect(world.codes.filter(({ number }) => number === phone)).toHaveLength(1);
  });

  it('ends the account that had it, unless a lock protects it  [security: sim-swap]', async () => {
    const [alice, holder] = [await world.person(), await world.person()];
    await holder.client.registrationLock.set('the holder’s PIN');
    expect(await failureOf(move(alice, holder.phone))).toMatchObject({ code: 'registration-locked', attemptsLeft: 5 });
    expect(await failureOf(move(alice, holder.phone, { pin: 'not it' }))).toMatchObject({ attemptsLeft: 4 });
    expect(holder.client.connection).toBe('live');
    await move(alice, holder.phone, { pin: 'the holder’s PIN' });
    await world.watch.until(() => holder.client.connection === 'ended');
    expect(alice.client.account?.number).toBe(holder.phone);
  });
});
