import {
  CiphertextKind,
  type ContentFields,
  Envelope,
  type GroupWelcomeFields,
  type Send,
  uuidToBytes,
} from '@sotto/proto';
import { describe, expect, it } from 'vitest';
import { type GroupPerson, GroupWorld } from '../../test/group-world.ts';
import { delivered } from '../../test/receiving-device.ts';
import { deliveredOf, meetDevice, sha256 } from '../../test/test-device.ts';
import { pad } from '../crypto/padding.ts';
import { SenderKeys } from '../crypto/sender-keys.ts';
import { keyCommitment } from '../groups/group-cipher.ts';
import { stateOf } from '../groups/stored-group.ts';
import { writeWelcome } from '../groups/welcome.ts';
import { contentForGroup, newContent } from '../messages/outgoing-content.ts';
import { largestBatch } from './inbox.ts';

const day = 24 * 3_600_000;
const distributionId = '00000000-0000-4000-8000-000000000001';

const isShared = (send: Send) => send.sharedCiphertext.length > 0;
const userOf = (person: GroupPerson) => person.device.account.userId;

function chainOf(at: number): string {
  return `00000000-0000-4000-8000-0000000001${at.toString(16).padStart(2, '0')}`;
}

/** The key of a chain of somebody's own, as they would give it to another. */
async function keyOf(world: GroupWorld, person: GroupPerson, chain = distributionId): Promise<Uint8Array> {
  const { device } = person;
  return device.executor.run([], (overlay) =>
    new SenderKeys(overlay, 0).distribution(device.account, world.groupId, chain),
  );
}

/** Brings a content from one to the other, with what it says of the group. */
async function bring(
  world: GroupWorld,
  from: GroupPerson,
  to: GroupPerson,
  fields: ContentFields,
  revision = 1,
): Promise<void> {
  const place = { groupId: world.wireId, groupEpoch: revision, groupHead: world.headOf(revision) };
  await to.in.deliver(await delivered(from.device, to.device, { ...place, ...fields }));
}

/** An envelope under somebody's own chain. */
async function sealed(
  world: GroupWorld,
  from: GroupPerson,
  to: GroupPerson,
  {
    revision = 1,
    head = world.headOf(revision),
    author = from,
    wireId = world.wireId,
    seq = 1,
    chain = distributionId,
  } = {},
  fields: ContentFields = { text: { body: 'hello' } },
): Promise<Uint8Array> {
  const origin = author.device.origin();
  const made = newContent(origin, undefined, { seq, sentAt: 1, groupId: wireId, ...fields });
  const own = { profileKey: undefined, at: 1, returnsReceipts: true };
  const plaintext = pad(contentForGroup(made.encoded, { revision, head }, own));
  const message = await from.device.executor.run([], (overlay) =>
    new SenderKeys(overlay, 0).seal(from.device.account, world.groupId, chain, plaintext),
  );
  const ciphertext = message.serialize();
  return Envelope.encode({
    suite: 1,
    kind: CiphertextKind.CIPHERTEXT_KIND_SENDER_KEY,
    ciphertext,
    messageId: made.id,
    senderUser: uuidToBytes(userOf(from)),
    senderDevice: 1,
    recipientUser: uuidToBytes(userOf(to)),
    recipientDevice: 1,
    acceptedAt: 1,
    expiresAt: 2,
    attempt: 1,
    groupId: world.wireId,
    groupEpoch: revision,
  });
}

/** Seals so many that nobody gets. */
async function skip(world: GroupWorld, { device }: GroupPerson, count: number): Promise<void> {
  await device.executor.run([], async (overlay) => {
    const keys = new SenderKeys(overlay, 0);
    for (let at = 0; at < count; at++)
      await keys.seal(device.account, world.groupId, distributionId, pad(new Uint8Array()));
  });
}

const given = (world: GroupWorld, distribution: Uint8Array) => ({
  senderKeyDistribution: { groupId: world.wireId, distribution },
});

/** What somebody who knows the group would welcome another one with. */
async function welcomeOf(world: GroupWorld, { device }: GroupPerson): Promise<GroupWelcomeFields> {
  const group = await device.store.get('group', { id: world.groupId });
  const state = group && stateOf(group);
  if (group === undefined || state === undefined) throw new Error('they do not know the group');
  const key = { keyEpoch: state.keyEpoch, key: new Uint8Array(32).fill(3) };
  const named = { ...state, keyCommitment: keyCommitment(world.wireId, key, sha256) };
  return writeWelcome({ at: { state: named, head: group.head }, key });
}

/** Two, of whom the second has the key of the first. */
async function withKey(count = 2): Promise<[GroupWorld, GroupPerson, GroupPerson, GroupPerson]> {
  const world = await GroupWorld.talking(count);
  const [alice, bob, carol] = world.people as [GroupPerson, GroupPerson, GroupPerson];
  await bring(world, alice, bob, given(world, await keyOf(world, alice)));
  return [world, alice, bob, carol];
}

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
    const chains = Array.from({ length: 20 }, (_, at) => chainOf(at));
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

  it('leaves five chains of a device behind, of one day sixty-four, and the latest one of all', async () => {
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
    expect(await kept()).toEqual(Array.from({ length: 64 }, (_, at) => chainOf(at + 6)));
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
    const world = await GroupWorld.talking(2);
    const [alice, bob] = world.people as [GroupPerson, GroupPerson];
    const dave = await world.newcomer();
    await meetDevice(alice.device, dave.device);
    await meetDevice(bob.device, dave.device);
    await meetDevice(dave.device, alice.device);
    await world.know({ revision: 2, members: world.people }, [alice, bob]);
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
