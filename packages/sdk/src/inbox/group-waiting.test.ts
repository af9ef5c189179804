import { describe, expect, it } from 'vitest';
import {
  bring,
  chainOf,
  given,
  keyOf,
  sealed,
  skip,
  userOf,
  welcomeOf,
  withKey,
  withUnwelcomed,
} from '../../test/group-mail.ts';
import { type GroupPerson, GroupWorld } from '../../test/group-world.ts';
import { delivered } from '../../test/receiving-device.ts';

const day = 24 * 3_600_000;

describe('a message of a group that waits', () => {
  it('for a key is opened when that comes, whatever else of its sender waits for another one', async () => {
    const world = await GroupWorld.talking(2);
    const [alice, bob] = world.people as [GroupPerson, GroupPerson];
    await keyOf(world, alice, chainOf(0));
    const key = await keyOf(world, alice, chainOf(1));
    const mail: Uint8Array[] = [];
    for (let at = 0; at < 300; at++) mail.push(await sealed(world, alice, bob, { seq: at + 1, chain: chainOf(0) }));
    mail.push(await sealed(world, alice, bob, { seq: 301, chain: chainOf(1) }, { text: { body: 'keyed' } }));
    await bob.in.deliver(...mail);
    expect(await bob.in.heldReasons()).toHaveLength(301);
    await bring(world, alice, bob, given(world, key));
    expect(await world.texts(bob)).toEqual(['keyed']);
    const held = await bob.device.store.held(400);
    expect([held.length, new Set(held.map(({ retries }) => retries))]).toEqual([300, new Set([0])]);
  });

  it('for a key is opened however often the app was started in between', async () => {
    const world = await GroupWorld.talking(2);
    const [alice, bob] = world.people as [GroupPerson, GroupPerson];
    const key = await keyOf(world, alice);
    await bob.in.deliver(await sealed(world, alice, bob));
    for (let start = 0; start < 65; start++) await bob.in.inbox.retryHeld();
    await bring(world, alice, bob, given(world, key));
    expect(await world.texts(bob)).toEqual(['hello']);
  });

  it('for the welcome is opened by it, however often the app was started in between', async () => {
    const [world, alice, bob, dave] = await withUnwelcomed();
    await bring(world, bob, dave, { seq: 2, text: { body: 'a copy' } }, 2);
    expect(await dave.in.heldReasons()).toEqual(['group-unknown']);
    for (let start = 0; start < 65; start++) await dave.in.inbox.retryHeld();
    await dave.in.deliver(await delivered(alice.device, dave.device, { groupWelcome: await welcomeOf(world, alice) }));
    expect(await world.texts(dave)).toEqual(['a copy']);
  });
});

describe('a copy for one member that waits for a revision', () => {
  it('is opened when that has come, however often the app was started in between', async () => {
    const world = await GroupWorld.talking(2);
    const [alice, bob] = world.people as [GroupPerson, GroupPerson];
    await world.know({ revision: 2, members: world.people }, [alice]);
    await bring(world, alice, bob, { seq: 1, text: { body: 'a copy' } }, 2);
    expect(await bob.in.heldReasons()).toEqual(['group-revision']);
    for (let start = 0; start < 65; start++) await bob.in.inbox.retryHeld();
    await world.know({ revision: 2, members: world.people }, [bob]);
    bob.in.inbox.moved(world.groupId);
    await bob.in.inbox.idle();
    expect(await world.texts(bob)).toEqual(['a copy']);
  });
});

describe('the chains of a device', () => {
  it('that came together go by their age, oldest first', async () => {
    const world = await GroupWorld.talking(2);
    const [alice, bob] = world.people as [GroupPerson, GroupPerson];
    const { store, clock } = bob.device;
    const place = { groupId: world.wireId, groupEpoch: 1, groupHead: world.headOf(1) };
    const mail: Uint8Array[] = [];
    for (const at of [9, 3, 7, 1, 8, 2, 6, 0, 5, 4]) {
      const key = given(world, await keyOf(world, alice, chainOf(at)));
      mail.push(await delivered(alice.device, bob.device, { ...place, ...key }));
    }
    await bob.in.deliver(...mail);
    clock.advance(2 * day);
    await bring(world, alice, bob, given(world, await keyOf(world, alice, chainOf(10))));
    const kept = await store.senderKeys(world.groupId, userOf(alice), alice.device.account.deviceId);
    expect(kept.map(({ distributionId }) => distributionId)).toEqual([6, 0, 5, 4, 10].map(chainOf));
  });

  it('are not jumped over by a key that is given again', async () => {
    const [world, mallory, bob] = await withKey();
    await bob.in.deliver(await sealed(world, mallory, bob, { seq: 1 }, { text: { body: 'first' } }));
    for (let at = 0; at < 2; at++) await skip(world, mallory, 2_000);
    await bring(world, mallory, bob, given(world, await keyOf(world, mallory)));
    await bob.in.deliver(await sealed(world, mallory, bob, { seq: 2 }, { text: { body: 'far' } }));
    expect(await bob.in.heldReasons()).toEqual(['counter-jump']);
  });
});
