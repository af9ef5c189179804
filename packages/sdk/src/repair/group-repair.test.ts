import { Envelope, type Send, uuidToBytes } from '@sotto/proto';
import { describe, expect, it } from 'vitest';
import { type GroupPerson, GroupWorld } from '../../test/group-world.ts';
import { deliveredOf, meetDevice, randomness, testDevice } from '../../test/test-device.ts';
import { settled } from '../../test/turn-of-events.ts';
import { chatWith } from '../chats/chat-state.ts';
import { addHiddenRow } from '../outbox/hidden-row.ts';
import type { MessageId } from '../ports/ids.ts';
import { isUnnamed } from '../sealed/unnamed-send.ts';
import { type RetryAnswer, RetryAnswerer } from './retry-answer.ts';
import { RetryAsker } from './retry-asker.ts';
import { writeRetryRequest } from './retry-request.ts';

const isShared = (send: Send) => send.sharedCiphertext.length > 0;
const userOf = (person: GroupPerson) => person.device.account.userId;

/** Asks for what somebody holds, as if their time had come. */
async function ask({ device, out, in: receiving }: GroupPerson): Promise<void> {
  const { executor, store, clock } = device;
  const asker = new RetryAsker({
    executor,
    store,
    origin: device.origin,
    clock,
    timers: out.timers,
    randomness,
    envelopeOf: (bytes) => receiving.inbox.envelopeOf(bytes),
    onQueued: (userId) => out.outbox.wake(chatWith(userId)),
    onFailure: (error) => out.failures.push(error),
  });
  asker.wake();
  await asker.idle();
  await asker.stop();
}

/** What somebody answers to a request for one of their messages. */
function answerTo(
  { device, in: receiving }: GroupPerson,
  asking: GroupPerson,
  messageId: MessageId,
  number: number,
  relayAhead = 0,
): Promise<RetryAnswer> {
  const { executor, store, origin, clock } = device;
  const now = clock.now();
  const request = { deviceId: 1, messageId, ratchetKey: undefined, number };
  const answerer = new RetryAnswerer({ store, receipts: receiving.receipts, origin });
  return executor.run([], (overlay) =>
    answerer.answer(overlay, asking.device.address, request, { now, relayNow: now + relayAhead }),
  );
}

describe('a message to a group that can not be opened', () => {
  it.each(['named', 'sealed'] as const)(
    'is asked for after a while by a %s request, and comes apart; the next one brings the key',
    async (senders) => {
      const world = await GroupWorld.talking(3, senders);
      const [alice, bob, carol] = world.people as [GroupPerson, GroupPerson, GroupPerson];
      world.lost = (send, to) => !isShared(send) && to === bob;
      await world.write(alice, 'can you read this?');
      await world.run();
      world.lost = () => false;
      await ask(bob);
      await world.run();
      expect(await world.texts(bob)).toEqual([]);
      bob.device.clock.advance(23_000);
      await ask(bob);
      await world.run();
      expect(await world.texts(bob)).toEqual(['can you read this?']);
      expect(await bob.in.heldReasons()).toEqual([]);
      await world.write(alice, 'and this?');
      await world.run();
      expect(await world.texts(bob)).toEqual(['can you read this?', 'and this?']);
      expect(await world.texts(carol)).toEqual(['can you read this?', 'and this?']);
      // Requests and answers name their sender where all do.
      const isNamed = ({ send }: { readonly send: Send }) => !isUnnamed(send);
      for (const { relay } of [alice, bob]) expect(relay.stored.every(isNamed)).toBe(senders === 'named');
      expect(alice.relay.stored.some(isNamed) || bob.relay.stored.some(isNamed)).toBe(senders === 'named');
    },
  );

  it('comes under the newest revision when its own can not be checked any more', async () => {
    const world = await GroupWorld.talking(3);
    const [alice, bob, carol] = world.people as [GroupPerson, GroupPerson, GroupPerson];
    await world.know({ revision: 2, members: world.people }, [alice, carol]);
    await world.know({ revision: 3, members: world.people }, [bob]);
    await world.write(alice, 'under the second');
    await world.run();
    // The key of the chain was given under that revision, too.
    expect([...(await bob.in.heldReasons())].sort()).toEqual(['group-head-unknown', 'no-sender-key']);
    await world.know({ revision: 3, members: world.people }, [alice, carol]);
    bob.device.clock.advance(23_000);
    await ask(bob);
    await world.run();
    expect(await world.texts(bob)).toEqual(['under the second']);
    expect(await world.texts(carol)).toEqual(['under the second']);
    expect(await bob.in.heldReasons()).toEqual([]);
  });

  it('is given to nobody who came after it, or is gone  [security: group-membership]', async () => {
    const world = await GroupWorld.talking(3);
    const [alice, bob, carol] = world.people as [GroupPerson, GroupPerson, GroupPerson];
    await world.write(alice, 'secret');
    await world.run();
    const dave = await world.newcomer();
    await world.connect(dave);
    await meetDevice(alice.device, dave.device);
    await meetDevice(dave.device, alice.device);
    await world.know({ revision: 2, members: [alice, bob, dave] }, [alice, bob]);
    await world.know({ revision: 1, members: [alice, bob, carol, dave] }, [dave]);
    const message = world.taken.find(({ send }) => isShared(send));
    for (const thief of [dave, carol]) {
      const recipients = [
        { userId: uuidToBytes(userOf(thief)), devices: [{ deviceId: 1, registrationId: 1, kind: 3 }] },
      ];
      const before = alice.relay.stored.length;
      const [stolen] = deliveredOf({ ...message?.send, recipients }, alice.device.address, 1);
      // A ciphertext of its own, so that it is not known already.
      const twisted = Envelope.decode(stolen ?? new Uint8Array());
      const ciphertext = Uint8Array.from(twisted.ciphertext);
      ciphertext[ciphertext.length - 1] = (ciphertext.at(-1) ?? 0) ^ 1;
      await thief.in.deliver(Envelope.encode({ ...twisted, ciphertext }));
      expect(await thief.in.heldReasons()).toHaveLength(1);
      thief.device.clock.advance(23_000);
      await ask(thief);
      await world.run();
      const answers = alice.relay.stored.slice(before).filter(({ send }) => send.recipients.length > 0);
      expect(answers).toEqual([]);
    }
  });

  it('is not asked for as long as the log of its group is to be read', async () => {
    const world = await GroupWorld.talking(2);
    const [alice, bob] = world.people as [GroupPerson, GroupPerson];
    world.lost = (send, to) => !isShared(send) && to === bob;
    await world.write(alice, 'early');
    await world.run();
    world.lost = () => false;
    await bob.device.executor.run([], async (overlay) => {
      const group = await overlay.get('group', { id: world.groupId });
      if (group) overlay.put('group', { ...group, knownRevision: 2 });
    });
    for (let round = 0; round < 4; round++) {
      bob.device.clock.advance(23_000);
      await ask(bob);
    }
    expect(await bob.device.store.heldRequests(9)).toMatchObject([{ requests: 0 }]);
    await world.know({ revision: 2, members: world.people });
    bob.device.clock.advance(23_000);
    await ask(bob);
    await world.run();
    expect(await world.texts(bob)).toEqual(['early']);
  });

  it('is not asked for when it is of a time before this user was let in again: nobody knows that they were there', async () => {
    const world = await GroupWorld.talking(2);
    const [alice, bob] = world.people as [GroupPerson, GroupPerson];
    world.lost = (send, to) => !isShared(send) && to === bob;
    await world.write(alice, 'before');
    await world.run();
    await world.know({ revision: 3, members: world.people });
    await bob.device.executor.run([], async (overlay) => {
      const own = await overlay.get('groupMember', { groupId: world.groupId, userId: userOf(bob) });
      if (own) overlay.put('groupMember', { ...own, joinedAt: 3 });
    });
    bob.device.clock.advance(23_000);
    await ask(bob);
    expect(await bob.device.store.held(9)).toMatchObject([{ reason: 'not-a-member', requestAt: undefined }]);
    await world.run();
    expect(bob.relay.stored.filter(({ send }) => send.recipients.length > 0)).toEqual([]);
  });

  it('is passed over as long as its key waits in the own queue: that opens it', async () => {
    const world = await GroupWorld.talking(3);
    const [alice, bob] = world.people as [GroupPerson, GroupPerson];
    const { id } = await world.write(alice, 'slow key');
    await settled();
    const [key] = await alice.device.store.outbox(chatWith(userOf(bob)), 0, 9);
    expect(key).toMatchObject({ visible: false, groupId: world.groupId });
    const answer = (number = 1) => answerTo(alice, bob, id, number);
    expect(await answer()).toBe('key-on-its-way');
    expect(await alice.device.store.outbox(chatWith(userOf(bob)), 0, 9)).toHaveLength(1);
    // Whoever asks again is not put off again.
    expect(await answer(2)).toBe('resent');
    await world.run();
    expect(await world.texts(bob)).toEqual(['slow key']);
    expect(await bob.in.heldReasons()).toEqual([]);
  });

  it('is not passed over when its key was given after the relay took it, though the clock of the relay is ahead', async () => {
    const world = await GroupWorld.talking(3);
    const [alice, bob] = world.people as [GroupPerson, GroupPerson];
    const { id } = await world.write(alice, 'slow key');
    await settled();
    const { executor, store, clock } = alice.device;
    const message = await store.get('message', { id });
    const ahead = 3_600_000;
    const acceptedAt = clock.now() - 1 + ahead;
    await executor.run([], (overlay) => message && overlay.put('message', { ...message, acceptedAt }));
    expect(await answerTo(alice, bob, id, 1, 0)).toBe('key-on-its-way');
    expect(await answerTo(alice, bob, id, 1, ahead)).toBe('resent');
  });

  it('is not passed over when another chain has taken the place of its own: that key opens nothing from before', async () => {
    const world = await GroupWorld.talking(2);
    const [alice, bob] = world.people as [GroupPerson, GroupPerson];
    world.lost = (send, to) => !isShared(send) && to === bob;
    await world.write(alice, 'old chain');
    await world.run();
    world.lost = () => false;
    await alice.device.executor.run([], (overlay) => overlay.delete('ownChain', { groupId: world.groupId }));
    bob.device.clock.advance(23_000);
    alice.device.clock.advance(23_000);
    alice.relay.disconnect();
    await world.write(alice, 'new chain');
    await ask(bob);
    await settled();
    await alice.out.connect();
    await world.run();
    expect([...(await world.texts(bob))].sort()).toEqual(['new chain', 'old chain']);
  });

  it('is not asked for once its author is out: nobody would answer  [security: removed-member]', async () => {
    const world = await GroupWorld.talking(3);
    const [alice, bob, carol] = world.people as [GroupPerson, GroupPerson, GroupPerson];
    const keys: Uint8Array[] = [];
    world.lost = (send, to) => {
      const isKey = !isShared(send) && to === bob;
      if (isKey) keys.push(...deliveredOf(send, alice.device.address, 1));
      return isKey;
    };
    await world.write(alice, 'my last words');
    await world.run();
    await world.know({ revision: 2, members: [bob, carol] }, [bob]);
    bob.device.clock.advance(23_000);
    await ask(bob);
    await world.run();
    expect(bob.relay.stored.filter(({ send }) => send.recipients.length > 0)).toEqual([]);
    expect(await bob.device.store.heldRequests(9)).toEqual([]);
    // They were a member when they wrote it: with the key, should it come after all, it is opened.
    await bob.in.deliver(...keys);
    expect(await world.texts(bob)).toEqual(['my last words']);
  });

  it('and whose key came to a session that is lost has its key with the next one: that is asked for at once', async () => {
    const world = await GroupWorld.talking(3);
    const [alice, bob] = world.people as [GroupPerson, GroupPerson];
    for (const person of [alice, bob]) {
      await world.write(person, 'zero');
      await world.run();
    }
    await bob.device.executor.run([], (overlay) => overlay.delete('session', alice.device.address));
    // Another chain.
    await alice.device.executor.run([], (overlay) => overlay.delete('ownChain', { groupId: world.groupId }));
    await world.write(alice, 'one');
    await world.run();
    expect([...(await bob.in.heldReasons())].sort()).toEqual(['no-sender-key', 'no-session']);
    bob.device.clock.advance(3_000);
    await ask(bob);
    await world.run();
    expect(await bob.in.heldReasons()).toEqual(['no-sender-key']);
    await world.write(alice, 'two');
    await world.run();
    expect(await world.texts(bob)).toEqual(['zero', 'zero', 'two']);
    bob.device.clock.advance(20_000);
    await ask(bob);
    await world.run();
    expect([...(await world.texts(bob))].sort()).toEqual(['one', 'two', 'zero', 'zero']);
  });
});

describe('a request of a device that asks for a key again', () => {
  /** Has somebody ask another one for a message, whatever it was. */
  async function request(world: GroupWorld, asking: GroupPerson, asked: GroupPerson, messageId: MessageId) {
    const old = world.taken.find(({ from, send }) => from === asked && !isShared(send))?.send;
    const part = old?.recipients[0]?.devices?.[0];
    const failed = { kind: part?.kind ?? 0, ciphertext: part?.ciphertext ?? new Uint8Array(), senderDevice: 1 };
    const content = writeRetryRequest({ ...failed, messageId }, 1, asking.device.clock.now());
    if (content === undefined) throw new Error('there is nothing to ask with');
    await asking.device.executor.run([], async (overlay) => {
      addHiddenRow(overlay, userOf(asked), { kind: 'retry-request', messageId, content }, 1);
    });
    asking.out.outbox.wake(chatWith(userOf(asked)));
    await world.run();
  }

  it.each([
    ['a message that never was', undefined],
    ['a message that it has', 'one'],
  ])(
    'is not forgotten by whoever gave it, after it asked for %s: registered anew, it is out of the chain  [security: removed-member]',
    async (_, text) => {
      const world = await GroupWorld.talking(2);
      const [alice, bob] = world.people as [GroupPerson, GroupPerson];
      const { id } = await world.write(alice, 'one');
      await world.run();
      const before = await alice.device.store.get('ownChain', { groupId: world.groupId });
      await request(world, bob, alice, text === undefined ? ('11111111-1111-4111-8111-111111111111' as MessageId) : id);
      const given = await alice.device.store.senderKeyShared(before?.distributionId ?? '');
      expect(given).toMatchObject([{ userId: userOf(bob), again: true }]);
      alice.device.clock.advance(60_000);
      await meetDevice(alice.device, await testDevice({ previous: bob.device.account }));
      await world.write(alice, 'secret');
      await world.run();
      const stolen = { ...alice.relay.stored.findLast(({ send }) => isShared(send))?.send };
      const recipients = [{ userId: uuidToBytes(userOf(bob)), devices: [{ deviceId: 1, registrationId: 1, kind: 3 }] }];
      await bob.in.deliver(...deliveredOf({ ...stolen, recipients }, alice.device.address, 1));
      expect(await world.texts(bob)).toEqual(['one']);
    },
  );
});
