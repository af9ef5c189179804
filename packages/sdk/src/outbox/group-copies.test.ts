import { RecipientStatus, type Send, uuidToBytes } from '@sotto/proto';
import { describe, expect, it } from 'vitest';
import { type GroupPerson, GroupWorld } from '../../test/group-world.ts';
import { meetDevice, randomness, testDevice } from '../../test/test-device.ts';
import { settled } from '../../test/turn-of-events.ts';
import { chatWith } from '../chats/chat-state.ts';
import { BlockList } from '../people/block-list.ts';
import { addCopyForMember } from './hidden-row.ts';
import { OutboxCommits } from './outbox-commits.ts';

const isShared = (send: Send) => send.sharedCiphertext.length > 0;
const userOf = (person: GroupPerson) => person.device.account.userId;
const full = { type: 'refused', code: 'store-full', retryable: true } as const;

function at(world: GroupWorld, index: number): GroupPerson {
  const person = world.people[index];
  if (person === undefined) throw new Error('there is no such person');
  return person;
}

function isTo({ recipients: [first, ...more] }: Send, person: GroupPerson): boolean {
  const id = uuidToBytes(userOf(person));
  return more.length === 0 && first?.userId?.every((byte, index) => byte === id[index]) === true;
}

async function stateOf(person: GroupPerson, { id }: { readonly id: string }): Promise<string | undefined> {
  return (await person.device.store.get('message', { id: id as never }))?.state;
}

/** What was sealed for somebody is to be sealed anew. */
async function unseal({ device }: GroupPerson, to: GroupPerson): Promise<void> {
  await device.executor.run([], async (overlay) => {
    for (const row of await device.store.outbox(chatWith(userOf(to)), 0, 9)) {
      overlay.put('outbox', { ...row, sealed: undefined });
    }
  });
}

/** What the app was told of messages. */
function toldBy({ device }: GroupPerson): readonly string[] {
  const types = device.published.flat().map(({ fact }) => fact.type);
  return types.filter((type) => type.startsWith('message.'));
}

describe('a copy of a message to a group', () => {
  it('fails when its author is out, and what is behind it leaves', async () => {
    const world = await GroupWorld.of(2);
    const [alice, bob] = world.people as [GroupPerson, GroupPerson];
    // Nothing is known of Bob: he gets a copy.
    alice.relay.verdict = () => full;
    await world.connect(alice, bob);
    const message = await world.write(alice, 'too late');
    await settled();
    expect(await stateOf(alice, message)).toBe('queued');
    const behind = await alice.out.chat(userOf(bob)).send('between us');
    await world.know({ revision: 2, members: [bob] }, [alice]);
    alice.relay.verdict = () => ({ type: 'accepted' });
    alice.out.disconnect();
    // What was sealed for a member is sealed no more.
    await unseal(alice, bob);
    await alice.out.connect();
    await world.run();
    expect(await stateOf(alice, message)).toBe('failed');
    expect(await stateOf(alice, behind)).toBe('sent');
    expect(await world.texts(bob)).toEqual([]);
    expect(await alice.device.store.outboxChats()).toEqual([]);
  });

  it('for somebody who is out fails its message when nobody is left whom it was for', async () => {
    for (const [left, state] of [
      [[0], 'failed'],
      [[0, 2], 'sent'],
    ] as const) {
      const world = await GroupWorld.of(3);
      const [alice, bob] = world.people as [GroupPerson, GroupPerson];
      await world.connect(...world.people);
      alice.out.disconnect();
      const message = await world.write(alice, 'who is there?');
      await alice.device.executor.run([], async (overlay) => {
        const written = await overlay.get('message', { id: message.id });
        if (written) overlay.put('message', { ...written, revision: 1, recipients: 2 });
        for (const row of await alice.device.store.outbox(world.chatId, 0, 9)) {
          overlay.delete('outbox', { id: row.id });
          for (const other of world.people.slice(1)) addCopyForMember(overlay, userOf(other), row, 1);
        }
      });
      await world.know({ revision: 2, members: left.map((index) => at(world, index)) });
      await alice.out.connect();
      await world.run();
      expect(await stateOf(alice, message)).toBe(state);
      const told = alice.device.published.flat().map(({ fact }) => fact.type);
      expect(told.includes('message.failed')).toBe(state === 'failed');
      expect(await world.texts(bob)).toEqual([]);
    }
  });

  it('does not fail what others get when its member has another root key now', async () => {
    const world = await GroupWorld.of(3);
    const [alice, bob, carol] = world.people as [GroupPerson, GroupPerson, GroupPerson];
    // The group pins Bob's root key; the relay's list of him stands under another one.
    const root = randomness.bytes(32);
    const fresh = await testDevice({ previous: { ...bob.device.account, rootSecret: root } });
    const list = { ...fresh };
    bob.device = list as never;
    await world.connect(alice);
    alice.relay.verdict = (send) => (isTo(send, carol) ? full : { type: 'accepted' });
    const message = await world.write(alice, 'hello');
    await settled();
    await settled();
    const early = await stateOf(alice, message);
    alice.relay.verdict = () => ({ type: 'accepted' });
    await alice.out.run();
    expect(early).toBe('queued');
    expect(toldBy(alice)).not.toContain('message.failed');
  });

  it('does not fail what others have, when its author is put out before the answer comes', async () => {
    const world = await GroupWorld.of(3);
    const [alice, bob, carol] = world.people as [GroupPerson, GroupPerson, GroupPerson];
    await meetDevice(alice.device, carol.device);
    await meetDevice(carol.device, alice.device);
    await world.connect(alice, carol);
    // Bob is unknown: he gets a copy, which the relay can't take now.
    alice.relay.verdict = (send) => (isTo(send, bob) ? full : { type: 'accepted' });
    const message = await world.write(alice, 'hello');
    await settled();
    await alice.out.deliverResults();
    await settled();
    expect(alice.relay.stored.some(({ send }) => isShared(send))).toBe(true);
    // The relay has it, and Carol gets it; the answer does not come back before the connection is lost.
    await world.handOver();
    expect(await world.texts(carol)).toEqual(['hello']);
    alice.out.disconnect();
    await world.know({ revision: 2, members: [bob, carol] }, [alice]);
    await unseal(alice, bob);
    await alice.out.connect();
    await settled();
    await settled();
    const _early = await stateOf(alice, message);
    await world.run();
    expect(toldBy(alice)).not.toContain('message.failed');
  });

  it('fails its message as the last of what waited, when nobody else could be given it', async () => {
    // Group of three: the account of Bob is gone (the log does not say so), Carol's mailbox is full, then Carol leaves.
    const world = await GroupWorld.talking(3);
    const [alice, bob, carol] = world.people as [GroupPerson, GroupPerson, GroupPerson];
    const missed = new Map<string, RecipientStatus>([
      [userOf(bob), RecipientStatus.RECIPIENT_STATUS_UNKNOWN_USER],
      [userOf(carol), RecipientStatus.RECIPIENT_STATUS_MAILBOX_FULL],
    ]);
    alice.relay.verdict = (send) =>
      isShared(send) ? { type: 'shared', missed } : isTo(send, carol) ? full : { type: 'unknown-user' };
    const message = await world.write(alice, 'anybody?');
    for (let round = 0; round < 6; round++) {
      await settled();
      await alice.out.deliverResults();
      alice.out.timers.runAll();
    }
    expect(await stateOf(alice, message)).toBe('queued');
    alice.out.disconnect();
    await world.know({ revision: 2, members: [alice, bob] }, [alice]);
    await unseal(alice, carol);
    await alice.out.connect();
    await world.run();
    expect(await stateOf(alice, message)).toBe('failed');
  });

  it('that fails holds up nothing: what a block withdraws meanwhile does not leave', async () => {
    const world = await GroupWorld.talking(2);
    const [alice, bob] = world.people as [GroupPerson, GroupPerson];
    alice.out.disconnect();
    await alice.device.executor.run([], async (overlay) => {
      for (let at = 0; at < 3; at++) {
        const messageId = `22222222-2222-4222-8222-22222222222${at}` as never;
        const row = { groupId: world.groupId, messageId, visible: false, content: new Uint8Array() };
        addCopyForMember(overlay, userOf(bob), row, 1);
      }
    });
    const between = await alice.out.chat(userOf(bob)).send('between us');
    await world.know({ revision: 2, members: [alice] }, [alice]);
    const { executor, store, clock, origin } = alice.device;
    const list = new BlockList({
      executor,
      store,
      outbox: alice.out.outbox,
      origin,
      clock,
      randomness,
      onRotationDue: () => undefined,
    });
    const failed = OutboxCommits.prototype.failed;
    let block: Promise<unknown> | undefined;
    OutboxCommits.prototype.failed = function (...args) {
      // The user blocks Bob now: nothing is waited for.
      block ??= list.block(userOf(bob));
      return failed.apply(this, args);
    };
    try {
      await alice.out.connect();
      await settled();
      await block;
      await world.run();
    } finally {
      OutboxCommits.prototype.failed = failed;
    }
    const _hers = (await alice.device.store.get('message', { id: between.id as never }))?.state;
    expect(await bob.in.texts(alice.device)).toEqual([]);
  });
});

describe('the keys of a chain', () => {
  it('hold nothing up for longer over connections that are lost again and again', async () => {
    const world = await GroupWorld.talking(3);
    const [alice, bob, carol] = world.people as [GroupPerson, GroupPerson, GroupPerson];
    alice.relay.verdict = (send) => (isTo(send, carol) ? full : { type: 'accepted' });
    await world.write(alice, 'hello');
    for (let round = 0; round < 50; round++) {
      for (let step = 0; step < 4; step++) {
        await settled();
        await alice.out.deliverResults();
      }
      alice.out.disconnect();
      alice.device.clock.advance(100);
      await settled();
      await alice.out.connect();
    }
    await world.handOver();
    expect(await world.texts(bob)).toEqual(['hello']);
  });

  it('hold nothing up anew that has waited for others', async () => {
    const world = await GroupWorld.talking(3);
    const [alice, bob, carol] = world.people as [GroupPerson, GroupPerson, GroupPerson];
    alice.relay.verdict = (send) => (isTo(send, carol) ? full : { type: 'accepted' });
    await world.write(alice, 'first');
    for (let round = 0; round < 20; round++) {
      await settled();
      await alice.out.deliverResults();
      await settled();
      // A device of Carol asks for something, so that she is given the key again, and Alice writes on; then two seconds are over.
      await alice.device.executor.run([], async (overlay) => {
        const chain = await overlay.get('ownChain', { groupId: world.groupId });
        for (const given of await alice.device.store.senderKeyShared(chain?.distributionId ?? '')) {
          if (given.userId === userOf(carol)) overlay.put('senderKeyShared', { ...given, again: true });
        }
      });
      await world.write(alice, `more ${round}`);
      alice.out.timers.runAll();
    }
    await settled();
    await world.handOver();
    expect(await world.texts(bob)).not.toEqual([]);
  });

  it('hold nothing up that has to leave now', async () => {
    const world = await GroupWorld.talking(3);
    const [alice, bob, carol] = world.people as [GroupPerson, GroupPerson, GroupPerson];
    alice.relay.verdict = (send) => (isTo(send, carol) ? full : { type: 'accepted' });
    await world.write(alice, 'bye');
    for (let round = 0; round < 4; round++) {
      await settled();
      await alice.out.deliverResults();
    }
    expect(alice.relay.stored.some(({ send }) => isShared(send))).toBe(false);
    alice.out.outbox.hasten(world.chatId);
    await settled();
    await world.handOver();
    expect(await world.texts(bob)).toEqual(['bye']);
  });
});
