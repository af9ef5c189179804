import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { exchange, JourneyWorld } from './journey-world.ts';
import { failureOf, type Person } from './person.ts';

let world: JourneyWorld;

beforeAll(async () => {
  world = await JourneyWorld.open({ stores: 'memory' });
});

afterAll(() => world[Symbol.asyncDispose]());

/** Somebody's account as their store has it. */
async function accountOf(person: Person) {
  const account = await person.observed.store().get('account', {});
  if (account === undefined) throw new Error('no account');
  return account;
}

describe('registering with the recovery key', () => {
  it('keeps the user id, ends devices and tokens, makes another identity key; messages pass both ways  [security: sim-swap]', async () => {
    const [alice, bob] = [await world.person(), await world.person()];
    await exchange(alice, bob);
    const before = await accountOf(alice);
    const next = await world.nextPhone(alice);
    const { userId, recoveryKey } = await next.register({ recoveryKey: alice.client.recoveryKey().toLowerCase() });
    await next.live();
    const after = await accountOf(next);
    expect(userId).toBe(before.userId);
    expect(recoveryKey).toBe(next.client.recoveryKey());
    expect(after.rootSecret).toEqual(before.rootSecret);
    expect(after.identityKeyPair).not.toEqual(before.identityKeyPair);
    expect(after.profileKey).not.toEqual(before.profileKey);

    await world.watch.until(() => alice.client.connection === 'ended');
    const stolen = await fetch(`${world.url}/v1/prekeys`, {
      headers: { authorization: `Bearer ${before.accessToken}` },
    });
    expect(stolen.status).toBe(401);

    await next.say(bob, 'from the next phone');
    const heard = await bob.received('from the next phone');
    expect(heard.senderId).toBe(userId);
    await world.watch.until(() => bob.events.some(({ type }) => type === 'identity.changed'));
    await bob.say(next, 'to the next phone');
    await next.received('to the next phone');
    const list = await bob.observed.store().get('deviceList', { userId: before.userId });
    expect(list?.version).toBe(2);
    // In one conversation, in the order in which it went.
    expect((await bob.history(next)).map(({ text }) => text).slice(-2)).toEqual([
      'from the next phone',
      'to the next phone',
    ]);
  });

  it('a second time too, and on the store of an account that has ended', async () => {
    const [alice, bob] = [await world.person(), await world.person()];
    await exchange(alice, bob);
    const { userId } = await accountOf(alice);
    const recoveryKey = alice.client.recoveryKey();
    const next = await world.nextPhone(alice);
    await next.register({ recoveryKey });
    await world.watch.until(() => alice.client.connection === 'ended');
    await alice.register({ recoveryKey });
    await alice.live();
    await world.watch.until(() => next.client.connection === 'ended');
    expect((await accountOf(alice)).userId).toBe(userId);
    await bob.say(alice, 'welcome back');
    expect(await alice.received('welcome back')).toMatchObject({ late: false });
    await alice.say(bob, 'thanks');
    expect(await bob.received('thanks')).toMatchObject({ late: false });
    const list = await bob.observed.store().get('deviceList', { userId });
    expect(list?.version).toBe(3);
  });

  it('another account’s recovery key is refused, and nothing is harmed  [security: sim-swap]', async () => {
    const [alice, eve, bob] = [await world.person(), await world.person(), await world.person()];
    const before = await accountOf(alice);
    const next = await world.nextPhone(alice);
    const wrong = await failureOf(next.register({ recoveryKey: eve.client.recoveryKey() }));
    expect(wrong).toMatchObject({ code: 'recovery-key-wrong', retryable: false });
    expect(await failureOf(next.register({ recoveryKey: 'ABCD' }))).toMatchObject({ code: 'recovery-key-invalid' });
    await bob.say(alice, 'still there?');
    await alice.received('still there?');
    // The right one then works, with the code that was sent before.
    const sent = world.codes.length;
    await next.register({ recoveryKey: alice.client.recoveryKey() });
    expect(world.codes.length).toBe(sent);
    expect((await accountOf(next)).userId).toBe(before.userId);
  });

  it('a number without an account tells nothing: the same refusal', async () => {
    const [eve, nobody] = [await world.person(), world.newcomer()];
    await nobody.open();
    const failure = await failureOf(nobody.register({ recoveryKey: eve.client.recoveryKey() }));
    expect(failure).toMatchObject({ code: 'recovery-key-wrong' });
    await nobody.register();
    expect(nobody.client.account?.number).toBe(nobody.phone);
  });

  it.each(['recoveries', 'registrations'])(
    'goes on after a lost answer of /v1/%s: one code, one account',
    async (path) => {
      const alice = await world.person();
      const { userId } = await accountOf(alice);
      let lose = true;
      const losing = async (...[url, options]: Parameters<typeof fetch>) => {
        const answer = await fetch(url, options);
        if (!lose || !String(url).endsWith(path)) return answer;
        lose = false;
        throw new TypeError('the connection was cut');
      };
      const next = world.newcomer({ phone: alice.phone, platform: { fetch: losing as never } });
      await next.open();
      const recoveryKey = alice.client.recoveryKey();
      const sent = world.codes.length;
      expect(await failureOf(next.register({ recoveryKey }))).toMatchObject({ code: 'relay-unreachable' });
      await next.stop();
      await next.open();
      await next.register({ recoveryKey });
      await next.live();
      expect(world.codes.length).toBe(sent + 1);
      expect((await accountOf(next)).userId).toBe(userId);
    },
  );

  it('without it a number gives another user id', async () => {
    const alice = await world.person();
    const next = await world.nextPhone(alice);
    const { userId } = await next.register();
    expect(userId).not.toBe((await accountOf(alice)).userId);
  });
});
