import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { JourneyWorld } from './journey-world.ts';
import { failureOf } from './person.ts';

const pin = 'a PIN, not a birthday';
let world: JourneyWorld;

beforeAll(async () => {
  world = await JourneyWorld.open({ stores: 'memory' });
});

afterAll(() => world[Symbol.asyncDispose]());

describe('a registration lock', () => {
  it('right code and wrong PIN is refused, and nothing of the account changes; the right PIN takes the number  [security: sim-swap]', async () => {
    const [alice, bob] = [await world.person(), await world.person()];
    expect(await alice.client.registrationLock.isSet()).toBe(false);
    await alice.client.registrationLock.set(pin);
    expect(await alice.client.registrationLock.isSet()).toBe(true);
    const thief = await world.nextPhone(alice);
    const sent = world.codes.length;
    expect(await failureOf(thief.register())).toMatchObject({ code: 'registration-locked', attemptsLeft: 5 });
    expect(await failureOf(thief.register({ pin: '1234' }))).toMatchObject({
      code: 'registration-locked',
      attemptsLeft: 4,
    });
    const asked: unknown[] = [];
    const guess = (context: unknown) => {
      asked.push(context);
      return '12345';
    };
    expect(await failureOf(thief.register({ pin: guess }))).toMatchObject({ attemptsLeft: 3 });
    expect(asked).toEqual([{ attemptsLeft: 4 }]);
    expect(await failureOf(thief.register({ pin: '1' }))).toMatchObject({ code: 'pin-invalid' });
    await bob.say(alice, 'are you there?');
    await alice.received('are you there?');
    expect(thief.client.account).toBe(undefined);

    await thief.register({ pin });
    expect(world.codes.length).toBe(sent + 1);
    await world.watch.until(() => alice.client.connection === 'ended');
    expect(await thief.client.registrationLock.isSet()).toBe(false);
  });

  it('lets the recovery key pass, stays, and is removed by its owner  [security: sim-swap]', async () => {
    const alice = await world.person();
    await alice.client.registrationLock.set(pin);
    const next = await world.nextPhone(alice);
    const { userId } = await next.register({ recoveryKey: alice.client.recoveryKey() });
    expect(userId).toBe((await alice.observed.store().get('account', {}))?.userId);
    expect(await next.client.registrationLock.isSet()).toBe(true);
    await next.client.registrationLock.remove();
    const other = await world.nextPhone(alice);
    expect((await other.register()).userId).not.toBe(userId);
  });
});
