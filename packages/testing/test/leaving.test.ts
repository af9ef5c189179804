import { SottoError } from '@sotto/sdk';
import { describe, expect, it } from 'vitest';
import { testWorld, type World, type WorldUser } from '../src/index.ts';

async function couple(world: World): Promise<readonly [WorldUser, WorldUser]> {
  const [alice, bob] = [await world.user('Alice'), await world.user('Bob')];
  for (const [from, to] of [
    [alice, bob],
    [bob, alice],
  ] as const) {
    await (await from.client.chats.with(to.number)).send('hello');
    await world.settle();
  }
  return [alice, bob];
}

/** How a call has ended so far: its error's code, or `done`. */
function outcomeOf(call: Promise<unknown>): { readonly now: string } {
  const outcome = { now: 'pending' };
  call.then(
    () => {
      outcome.now = 'done';
    },
    (error: unknown) => {
      outcome.now = error instanceof SottoError ? error.code : String(error);
    },
  );
  return outcome;
}

/** Whether each deletion that a user was told of was confirmed. */
function deletionsTold({ client }: WorldUser): readonly boolean[] {
  const told: boolean[] = [];
  client.on('account.deleted', ({ confirmed }) => told.push(confirmed));
  return told;
}

function expectWiped({ disk }: WorldUser): void {
  const [account] = disk.tables.account.values();
  expect([account?.ended, account?.deletion, account?.rootSecret]).toEqual([true, undefined, new Uint8Array(32)]);
  for (const table of ['prekey', 'session', 'outbox', 'registration'] as const) {
    expect([table, disk.tables[table].size]).toEqual([table, 0]);
  }
}

describe('leaving', () => {
  it('ends a flush that waits for what will never leave', async () => {
    await using world = await testWorld();
    const [alice, bob] = await couple(world);
    world.network.disconnect(alice);
    await (await alice.client.chats.with(bob.number)).send('too late');
    const flushed = outcomeOf(alice.client.flush());
    const deleted = outcomeOf(alice.client.deleteAccount());
    await world.advance({ minutes: 1 });
    expect([deleted.now, flushed.now]).toEqual(['relay-unreachable', 'pending']);
    world.network.connect(alice);
    await world.advance({ minutes: 5 });
    await world.settle();
    expect(flushed.now).toBe('done');
    expectWiped(alice);
  });

  it('of somebody whose number was registered elsewhere meanwhile wipes this device, and does not call the account deleted  [security: leaving]', async () => {
    await using world = await testWorld();
    const [alice] = await couple(world);
    const told = deletionsTold(alice);
    world.network.disconnect(alice);
    const deleted = outcomeOf(alice.client.deleteAccount());
    await world.advance({ minutes: 1 });
    expect(deleted.now).toBe('relay-unreachable');
    await world.user('Mallory', { number: alice.number });
    world.network.connect(alice);
    await world.advance({ minutes: 10 });
    await world.settle();
    expectWiped(alice);
    expect(told).toEqual([false]);
    expect(alice.client.connection).toBe('ended');
    await expect(alice.client.deleteAccount()).rejects.toMatchObject({ code: 'session-ended' });
  });

  it('lets the profile not be changed meanwhile  [security: leaving]', async () => {
    await using world = await testWorld();
    const [alice] = await couple(world);
    world.network.nextRequest(alice, 'request-lost');
    const deleted = outcomeOf(alice.client.deleteAccount());
    await world.settle();
    expect(deleted.now).toBe('relay-unreachable');
    expect(alice.client.account).toBe(undefined);
    await expect(alice.client.profile.set({ username: 'x' })).rejects.toMatchObject({ code: 'session-ended' });
    await world.advance({ minutes: 2 });
    expectWiped(alice);
  });
});
