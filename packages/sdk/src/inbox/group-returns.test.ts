import { describe, expect, it } from 'vitest';
import { given, keyOf, sealed } from '../../test/group-mail.ts';
import { type GroupPerson, GroupWorld } from '../../test/group-world.ts';
import { delivered } from '../../test/receiving-device.ts';
import { meetDevice } from '../../test/test-device.ts';

/** Three, of whom the second hears what the first writes. */
async function three(): Promise<[GroupWorld, GroupPerson, GroupPerson, GroupPerson]> {
  const world = await GroupWorld.of(3);
  const [alice, bob, carol] = world.people as [GroupPerson, GroupPerson, GroupPerson];
  await meetDevice(alice.device, bob.device);
  await meetDevice(bob.device, alice.device);
  return [world, alice, bob, carol];
}

const placeAt = (world: GroupWorld, revision: number) => ({
  groupId: world.wireId,
  groupEpoch: revision,
  groupHead: world.headOf(revision),
});

/** Gives the key of the first one's chain to the second. */
async function giveKey(world: GroupWorld, from: GroupPerson, to: GroupPerson, revision: number): Promise<void> {
  await to.in.deliver(await keyFor(world, from, to, revision));
}

/** That key, as it is now, on its way. */
async function keyFor(world: GroupWorld, from: GroupPerson, to: GroupPerson, revision: number): Promise<Uint8Array> {
  const key = given(world, await keyOf(world, from));
  return delivered(from.device, to.device, { ...placeAt(world, revision), ...key });
}

/** What somebody writes to all at a revision, as it comes to another. */
function written(
  world: GroupWorld,
  from: GroupPerson,
  to: GroupPerson,
  body: string,
  { revision, head = world.headOf(revision), seq = 1 }: { revision: number; head?: Uint8Array; seq?: number },
): Promise<Uint8Array> {
  return sealed(world, from, to, { revision, head, seq }, { text: { body } });
}

describe('a message to a group from before somebody was out', () => {
  it('is shown when its author has come back since', async () => {
    const [world, alice, bob, carol] = await three();
    await giveKey(world, alice, bob, 1);
    const early = await written(world, alice, bob, 'before I left', { revision: 1 });
    await world.know({ revision: 2, members: [bob, carol] }, [bob]);
    await world.know({ revision: 3, members: [bob, carol, alice] }, [bob]);
    await bob.in.deliver(early);
    expect(await world.texts(bob)).toEqual(['before I left']);
    expect(await bob.in.heldReasons()).toEqual([]);
  });

  it('is shown to who was away while they were put out and let in again', async () => {
    const [world, alice, bob, carol] = await three();
    await giveKey(world, alice, bob, 1);
    await bob.in.deliver(await written(world, alice, bob, 'while you are away', { revision: 2 }));
    expect(await bob.in.heldReasons()).toEqual(['group-revision']);
    await world.know({ revision: 2, members: world.people }, [bob]);
    await world.know({ revision: 3, members: [alice, carol] }, [bob]);
    bob.in.inbox.moved(world.groupId);
    await bob.in.inbox.idle();
    expect(await world.texts(bob)).toEqual(['while you are away']);
    const late = await written(world, alice, bob, 'and before that', { revision: 1, seq: 2 });
    await world.know({ revision: 4, members: world.people }, [bob]);
    await bob.in.deliver(late);
    expect(await world.texts(bob)).toEqual(['while you are away', 'and before that']);
    expect(await bob.in.heldReasons()).toEqual([]);
  });

  it('is none when it names another head: so do who write as if they had been there  [security: group-membership]', async () => {
    const [world, alice, bob, carol] = await three();
    await giveKey(world, alice, bob, 1);
    await world.know({ revision: 2, members: [bob, carol] }, [bob]);
    await world.know({ revision: 3, members: [bob, carol, alice] }, [bob]);
    await bob.in.deliver(await written(world, alice, bob, 'out', { revision: 2, head: new Uint8Array(32).fill(9) }));
    expect(await bob.in.heldReasons()).toEqual(['group-mismatch']);
    expect(await world.texts(bob)).toEqual([]);
  });
});

describe('a message that waits for a revision', () => {
  it('is tried when that has come, however often others have moved the group before', async () => {
    const [world, alice, bob] = await three();
    await giveKey(world, alice, bob, 1);
    await bob.in.deliver(await written(world, alice, bob, 'far ahead', { revision: 100 }));
    const at = async (revision: number) => {
      await world.know({ revision, members: world.people }, [bob]);
      bob.in.inbox.moved(world.groupId);
      await bob.in.inbox.idle();
      return world.texts(bob);
    };
    for (let revision = 2; revision <= 80; revision++) expect(await at(revision)).toEqual([]);
    // A look at the revision is enough.
    expect(await bob.device.store.held(2)).toMatchObject([{ reason: 'group-revision', retries: 0 }]);
    expect(await at(100)).toEqual(['far ahead']);
    expect(await bob.in.heldReasons()).toEqual([]);
  });

  it('and whose key has not come is tried when it does, however often others have moved the group before', async () => {
    const [world, alice, bob] = await three();
    const key = await keyFor(world, alice, bob, 1);
    await bob.in.deliver(await written(world, alice, bob, 'before its key', { revision: 1 }));
    for (let moves = 0; moves < 80; moves++) {
      bob.in.inbox.moved(world.groupId);
      await bob.in.inbox.idle();
    }
    expect(await bob.device.store.held(2)).toMatchObject([{ reason: 'no-sender-key', retries: 0 }]);
    await bob.in.deliver(key);
    expect(await world.texts(bob)).toEqual(['before its key']);
  });

  it('whose head is not known any more is asked for again', async () => {
    const [world, alice, bob] = await three();
    await giveKey(world, alice, bob, 1);
    await bob.in.deliver(await written(world, alice, bob, 'long ago', { revision: 2 }));
    expect(await bob.device.store.held(2)).toMatchObject([
      { reason: 'group-revision', mendable: true, requestAt: undefined },
    ]);
    await world.know({ revision: 3, members: world.people }, [bob]);
    bob.in.inbox.moved(world.groupId);
    await bob.in.inbox.idle();
    const [held] = await bob.device.store.held(2);
    expect(held).toMatchObject({ reason: 'group-head-unknown', mendable: true });
    expect(held?.requestAt).toBeGreaterThanOrEqual(bob.device.clock.now());
    // So is one that comes when that is so already.
    await bob.in.deliver(await written(world, alice, bob, 'as long ago', { revision: 2, seq: 2 }));
    expect(await bob.device.store.heldRequests(3)).toHaveLength(2);
  });
});
