import type { UserId } from '@sotto/sdk';
import { describe, expect, it } from 'vitest';
import { exchange, JourneyWorld } from './journey-world.ts';
import { anotherDevice } from './linked-person.ts';
import type { Person } from './person.ts';
import { TappedSockets } from './tapped-sockets.ts';

const idOf = (person: Person) => person.client.account?.userId ?? ('' as UserId);

const mutedUntil = async (person: Person, other: Person) =>
  (await person.observed.store().get('chat', { id: idOf(other) as never }))?.mutedUntil;

/** Alice on two devices, which can be cut off, with two people that she knows. */
async function twoDevices(world: JourneyWorld) {
  const sockets = [0, 1].map(() => new TappedSockets(() => world.watch.changed()));
  const platformOf = (at: number) => ({ platform: { sockets: sockets[at]?.factory as never } });
  const alice = await world.person(platformOf(0));
  const [bob, carol] = [await world.person(), await world.person()];
  await bob.say(alice, 'do you remember me?');
  await alice.received('do you remember me?');
  await exchange(alice, carol);
  const tablet = await anotherDevice(world, alice, 'Tablet', platformOf(1));
  const until = async (person: Person, holds: () => Promise<boolean>) => {
    for (;;) {
      const { commits } = person.observed;
      if (await holds()) return;
      await world.watch.until(() => person.observed.commits > commits);
    }
  };
  /** Does something on both while neither hears of the other; then each hears all that the other has said. */
  const apart = async (work: () => Promise<unknown>) => {
    for (const socket of sockets) socket.cutOff();
    await world.watch.until(() => [alice, tablet].every(({ client }) => client.connection !== 'live'));
    await work();
    for (const socket of sockets) socket.reach();
    for (const device of [alice, tablet]) {
      device.client.reconnect();
      await device.live();
    }
    // What is said last comes last.
    for (const [says, hears, at] of [
      [tablet, alice, 7],
      [alice, tablet, 9],
      [tablet, alice, 11],
      [alice, tablet, 13],
    ] as const) {
      await (await says.chat(carol)).mute(later + at);
      await until(hears, async () => (await mutedUntil(hears, carol)) === later + at);
    }
  };
  return { alice, tablet, bob, apart };
}

/** A time that is to come. */
const later = 4_000_000_000_000;

describe('two devices of one account, at the same time', () => {
  it('keep a block when the other one looks that person up', async () => {
    await using world = await JourneyWorld.open({ stores: 'memory' });
    const { alice, tablet, bob, apart } = await twoDevices(world);
    await apart(async () => {
      await alice.client.block(idOf(bob));
      await tablet.client.chats.with(bob.phone);
    });
    for (const device of [alice, tablet]) expect(await device.client.blocked()).toMatchObject([{ userId: idOf(bob) }]);
  });

  it('end alike when one blocks and the other unblocks, and when both change the settings of a chat', async () => {
    await using world = await JourneyWorld.open({ stores: 'memory' });
    const { alice, tablet, bob, apart } = await twoDevices(world);
    const chats = [await alice.chat(bob), await tablet.chat(bob)];
    await apart(async () => {
      await alice.client.block(idOf(bob));
      await tablet.client.block(idOf(bob));
      await tablet.client.unblock(idOf(bob));
      await chats[0]?.mute('forever');
      await chats[1]?.mute(later);
    });
    expect(await tablet.client.blocked()).toEqual(await alice.client.blocked());
    expect(await mutedUntil(tablet, bob)).toBe(await mutedUntil(alice, bob));
  });
});
