import { Envelope, type Send, uuidToBytes } from '@sotto/proto';
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
import { deliveredOf, meetDevice } from '../../test/test-device.ts';
import { largestBatch } from './inbox.ts';

const day = 24 * 3_600_000;

const isShared = (send: Send) => send.sharedCiphertext.length > 0;

describe('a message to a group', () => {
  it('waits for its key, whatever comes first, and is opened when that comes', async () => {
    const world = await GroupWorld.talking(3);
    const [alice, bob] = world.people as [GroupPerson, GroupPerson];
    const late: Uint8Array[] = [];
    world.lost = (send, to) => {
      const isKey = !isShared(send) && to === bob;
      if (isKey) late.push(...deliveredOf(send, alice.device.address, 1));
      return isKey;
    };
    for (const text of ['one', 'two']) await world.write(alice, text);
    await world.run();
    expect(await bob.in.heldReasons()).toEqual(['no-sender-key', 'no-sender-key']);
    expect(await world.texts(bob)).toEqual([]);
    await bob.in.deliver(...late);
    expect(await world.texts(bob)).toEqual(['one', 'two']);
    expect(await bob.in.heldReasons()).toEqual([]);
  });

  it('that waited with others of the same moment is tried in the order in which they came: none is late', async () => {
    const world = await GroupWorld.talking(2);
    const [alice, bob] = world.people as [GroupPerson, GroupPerson];
    const key = await keyOf(world, alice);
    const texts = Array.from({ length: 12 }, (_, at) => `text ${at}`);
    for (const [at, body] of texts.entries()) {
      await bob.in.deliver(await sealed(world, alice, bob, { seq: at + 1 }, { text: { body } }));
    }
    const held = await bob.device.store.held(20);
    expect(new Set(held.map(({ heldAt }) => heldAt)).size).toBe(1);
    await world.restart(bob);
    expect((await bob.device.store.held(20)).map(({ arrival }) => arrival)).toEqual(held.map(({ arrival }) => arrival));
    await bring(world, alice, bob, given(world, key));
    bob.in.inbox.moved(world.groupId);
    await bob.in.inbox.idle();
    expect(await world.texts(bob)).toEqual(texts);
    expect((await world.messages(bob)).some(({ late }) => late)).toBe(false);
  });

  it('is opened when the keys of more chains than are kept come at once, before anything is tried again', async () => {
    const world = await GroupWorld.talking(2);
    const [alice, bob] = world.people as [GroupPerson, GroupPerson];
    const chains = Array.from({ length: 16 }, (_, at) => chainOf(at));
    const mail: Uint8Array[] = [];
    for (const [at, chain] of chains.entries()) {
      const place = { groupId: world.wireId, groupEpoch: 1, groupHead: world.headOf(1) };
      const content = { ...place, ...given(world, await keyOf(world, alice, chain)) };
      const message = await sealed(world, alice, bob, { seq: at + 1, chain }, { text: { body: chain } });
      await bob.in.deliver(message);
      // What else is in a mailbox: each key comes in another commit.
      const others = new Array<Uint8Array>(largestBatch - 1).fill(message);
      mail.push(await delivered(alice.device, bob.device, content), ...others);
    }
    expect(await world.texts(bob)).toEqual([]);
    await bob.in.deliver(...mail);
    expect(await world.texts(bob)).toEqual(chains);
    expect(await bob.in.heldReasons()).toEqual([]);
  });

  it('leaves five chains of a device behind, of one day sixteen, and the latest one of all', async () => {
    const world = await GroupWorld.talking(2);
    const [alice, bob] = world.people as [GroupPerson, GroupPerson];
    const { store, clock } = bob.device;
    const bringChain = async (at: number) =>
      bring(world, alice, bob, given(world, await keyOf(world, alice, chainOf(at))));
    const kept = async () =>
      (await store.senderKeys(world.groupId, userOf(alice), alice.device.account.deviceId)).map(
        ({ distributionId: id }) => id,
      );
    for (let at = 0; at < 70; at++) await bringChain(at);
    expect(await kept()).toEqual(Array.from({ length: 16 }, (_, at) => chainOf(at + 54)));
    clock.advance(day);
    await bringChain(70);
    clock.advance(-2 * day);
    await bringChain(71);
    clock.advance(4 * day);
    await bringChain(72);
    expect(await kept()).toEqual([68, 69, 70, 71, 72].map(chainOf));
  });

  it('is known when it comes again, also over a restart', async () => {
    const [world, alice, bob] = await withKey();
    const envelope = await sealed(world, alice, bob);
    await bob.in.deliver(envelope, envelope);
    await world.restart(bob);
    await bob.in.deliver(envelope);
    expect(await world.texts(bob)).toEqual(['hello']);
    expect(await bob.in.heldReasons()).toEqual([]);
  });

  it('is held when it runs too far ahead of its chain, before any key is computed', async () => {
    const [world, alice, bob] = await withKey();
    await skip(world, alice, 2_000);
    await bob.in.deliver(await sealed(world, alice, bob));
    expect(await world.texts(bob)).toEqual(['hello']);
    await skip(world, alice, 2_000);
    await bob.in.deliver(await sealed(world, alice, bob, { seq: 2 }));
    expect(await bob.in.heldReasons()).toEqual(['counter-jump']);
  });

  it('under a later revision makes the log be read, and is opened when it was', async () => {
    const [world, alice, bob] = await withKey();
    await bob.in.deliver(await sealed(world, alice, bob, { revision: 2 }));
    expect(await bob.in.heldReasons()).toEqual(['group-revision']);
    expect(bob.in.groups).toEqual([world.groupId]);
    expect(await bob.device.store.get('group', { id: world.groupId })).toMatchObject({ revision: 1, knownRevision: 2 });
    await world.know({ revision: 2, members: world.people });
    bob.in.inbox.moved(world.groupId);
    await bob.in.inbox.idle();
    expect(await world.texts(bob)).toEqual(['hello']);
  });

  it('of another head tells a fork, once, and stops what is sent', async () => {
    const [world, alice, bob] = await withKey();
    for (const seq of [1, 2]) await bob.in.deliver(await sealed(world, alice, bob, { head: world.headOf(9), seq }));
    expect(await bob.in.heldReasons()).toEqual(['group-mismatch', 'group-mismatch']);
    const forks = bob.device.published.flat().filter(({ fact }) => fact.type === 'group.forked');
    expect(forks).toHaveLength(1);
    await expect(world.write(bob, 'no')).rejects.toMatchObject({ code: 'group-forked' });
    expect(await world.texts(bob)).toEqual([]);
  });

  it('of a former member counts when it is from before, for 31 days  [security: removed-member]', async () => {
    const [world, alice, bob, carol] = await withKey(3);
    const [early, later, tooLate] = [
      await sealed(world, alice, bob, { seq: 1 }),
      await sealed(world, alice, bob, { seq: 2 }, { text: { body: 'too late' } }),
      await sealed(world, alice, bob, { seq: 3, revision: 2 }, { text: { body: 'out' } }),
    ];
    await world.know({ revision: 2, members: [bob, carol] }, [bob]);
    await bob.in.deliver(early, tooLate);
    expect(await world.texts(bob)).toEqual(['hello']);
    bob.device.clock.advance(31 * day);
    await bob.in.deliver(later);
    expect(await bob.in.heldReasons()).toEqual(['not-a-member', 'not-a-member']);
    expect(await world.texts(bob)).toEqual(['hello']);
  });

  it('of somebody who is no member is not shown  [security: group-membership]', async () => {
    const world = await GroupWorld.talking(2);
    const [, bob] = world.people as [GroupPerson, GroupPerson];
    const mallory = await world.newcomer();
    await meetDevice(mallory.device, bob.device);
    await bring(world, mallory, bob, given(world, await keyOf(world, mallory)));
    await bring(world, mallory, bob, { seq: 1, text: { body: 'me too' } });
    await bob.in.deliver(await sealed(world, mallory, bob));
    // A key would not help: nobody is asked for it.
    expect(await bob.in.heldReasons()).toEqual(['not-a-member', 'not-a-member', 'not-a-member']);
    expect(await bob.device.store.heldRequests(9)).toEqual([]);
    expect(await world.texts(bob)).toEqual([]);
    expect(await bob.in.texts(mallory.device)).toEqual([]);
  });

  it('to a group that is not known here waits until it is', async () => {
    const world = await GroupWorld.talking(2);
    const [alice, bob] = world.people as [GroupPerson, GroupPerson];
    const dave = await world.newcomer();
    await meetDevice(alice.device, dave.device);
    await meetDevice(dave.device, alice.device);
    await world.know({ revision: 2, members: world.people }, [alice, bob]);
    await bring(world, alice, dave, given(world, await keyOf(world, alice)), 2);
    await dave.in.deliver(await sealed(world, alice, dave, { revision: 2 }));
    expect([...(await dave.in.heldReasons())].sort()).toEqual(['group-unknown', 'no-sender-key']);
    await world.know({ revision: 2, members: world.people }, [dave]);
    dave.in.inbox.moved(world.groupId);
    await dave.in.inbox.idle();
    expect(await world.texts(dave)).toEqual(['hello']);
    expect(await dave.in.heldReasons()).toEqual([]);
  });

  it('to a group that is not known here is opened when the welcome comes behind it', async () => {
    const [world, alice, bob, dave] = await withUnwelcomed();
    await bring(world, bob, dave, given(world, await keyOf(world, bob)), 2);
    await dave.in.deliver(await sealed(world, bob, dave, { revision: 2 }));
    await bring(world, bob, dave, { seq: 2, text: { body: 'a copy' } }, 2);
    expect([...(await dave.in.heldReasons())].sort()).toEqual(['group-unknown', 'group-unknown', 'no-sender-key']);
    // Of another member, so no session with the author begins.
    await dave.in.deliver(await delivered(alice.device, dave.device, { groupWelcome: await welcomeOf(world, alice) }));
    expect(await dave.in.heldReasons()).toEqual([]);
    expect(await world.texts(dave)).toEqual(['hello', 'a copy']);
  });

  it('holds talk only: what is for one person is not taken from all', async () => {
    const [world, alice, bob] = await withKey();
    const receipt = { receipt: { kind: 1, messageIds: [new Uint8Array(16)], at: 1 } };
    await bob.in.deliver(await sealed(world, alice, bob, { seq: 0 }, receipt));
    expect(await bob.in.heldReasons()).toEqual(['content-invalid']);
  });
});

describe('somebody who passes for another member  [security: group-impersonation]', () => {
  it('by giving the chain of that one as their own opens nothing, and says nothing', async () => {
    const world = await GroupWorld.talking(3);
    const [alice, bob, mallory] = world.people as [GroupPerson, GroupPerson, GroupPerson];
    const stolen = await keyOf(world, alice);
    await bring(world, mallory, bob, given(world, stolen));
    // Alice's ciphertext under Mallory's name: it opens, and says inside that it is Alice's.
    const envelope = Envelope.decode(await sealed(world, alice, bob));
    const relabelled = Envelope.encode({ ...envelope, senderUser: uuidToBytes(userOf(mallory)) });
    await bob.in.deliver(relabelled);
    expect(await bob.in.heldReasons()).toEqual(['sender-mismatch']);
    // And Alice is still heard under her own.
    await bring(world, alice, bob, given(world, stolen));
    await bob.in.deliver(await sealed(world, alice, bob, { seq: 2 }));
    expect(await world.texts(bob)).toEqual(['hello']);
  });

  it('by writing their name inside is not heard', async () => {
    const [world, mallory, bob, alice] = await withKey(3);
    await bob.in.deliver(await sealed(world, mallory, bob, { author: alice }));
    expect(await bob.in.heldReasons()).toEqual(['sender-mismatch']);
  });

  it('by bringing a chain of one group into another is not heard', async () => {
    const [world, alice, bob] = await withKey();
    const other = new Uint8Array(32).fill(8);
    const envelope = Envelope.decode(await sealed(world, alice, bob, { wireId: other }));
    await bob.in.deliver(Envelope.encode({ ...envelope, groupId: other }));
    await bob.in.deliver(await sealed(world, alice, bob, { wireId: other, seq: 2 }));
    expect(await bob.in.heldReasons()).toEqual(['group-mismatch', 'group-mismatch']);
    expect(await world.texts(bob)).toEqual([]);
  });
});
